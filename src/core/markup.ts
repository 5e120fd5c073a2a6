/** Markup made of strings: texts are escaped, and what is escaped already says so. */

/** HTML or SVG that is safe to place in another. */
export interface Markup {
  readonly markup: string
}

/** What may stand in a template: texts are escaped, lists are joined, false and undefined are nothing. */
export type Piece = string | number | Markup | readonly Piece[] | false | undefined

/** A template tag: `` html`<b>${text}</b>` ``. */
export function html(parts: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  return { markup: parts.reduce((text, part, i) => text + rendered(pieces[i - 1]) + part, '').replace(/^\n +/, '') }
}

function rendered(piece: Piece): string {
  if (piece === false || piece === undefined) return ''
  if (typeof piece === 'number') return String(piece)
  if (typeof piece === 'string') return escaped(piece)
  return 'markup' in piece ? piece.markup : piece.map(rendered).join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as it stands in markup, between tags or in a quoted attribute. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => entities[char]!)
}
