/** The words of one template action; pure. */

/** A word, a literal, a path of fields or a mark. */
export type Token =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'literal'; readonly text: string; readonly value: string | number }
  | {
      readonly kind: 'path'
      readonly text: string
      /** `$x.A` has "x", `$` has "". */
      readonly variable?: string
      readonly fields: readonly string[]
      /** True if no space stands before it. */
      readonly isGlued?: boolean
    }
  | { readonly kind: 'mark'; readonly text: string }

const patterns = {
  space: /\s+/y,
  comment: /\/\*[^]*?\*\//y,
  path: /\$\w*(?:\.\w+)*|(?:\.\w+)+|\./y,
  number: /[+-]?\d+(?:\.\d+)?/y,
  quoted: /"(?:[^"\\\n]|\\.)*"/y,
  raw: /`[^`]*`/y,
  word: /[A-Za-z_]\w*/y,
  mark: /:=|[|(),=]/y,
} as const

/**
 * The tokens of the action that begins at `from`, and where its `}}` is. What it throws is made by `refuse`.
 */
export function tokensOf(
  template: string,
  from: number,
  refuse: (why: string) => Error,
): { readonly tokens: readonly Token[]; readonly end: number } {
  const tokens: Token[] = []
  let at = from
  let spaced = true
  for (;;) {
    if (at >= template.length) throw refuse('}} is missing')
    if (template.startsWith('}}', at)) return { tokens, end: at }
    if (template.startsWith('-}}', at)) return { tokens, end: at + 1 }
    const skipped = matchAt(patterns.space, template, at) ?? matchAt(patterns.comment, template, at)
    if (skipped !== undefined) {
      at += skipped.length
      spaced = true
      continue
    }
    const { token, length } = tokenAt(template, at, spaced, refuse)
    tokens.push(token)
    at += length
    spaced = false
  }
}

function tokenAt(
  template: string,
  at: number,
  spaced: boolean,
  refuse: (why: string) => Error,
): { token: Token; length: number } {
  const match = (pattern: RegExp): string | undefined => matchAt(pattern, template, at)
  const number = match(patterns.number)
  if (number !== undefined) return made({ kind: 'literal', text: number, value: Number(number) }, number)
  const word = match(patterns.word)
  if (word !== undefined) return made({ kind: 'word', text: word }, word)
  const path = match(patterns.path)
  if (path !== undefined) return made(pathToken(path, spaced), path)
  const quoted = match(patterns.quoted)
  if (quoted !== undefined) return made({ kind: 'literal', text: quoted, value: unquote(quoted, refuse) }, quoted)
  const raw = match(patterns.raw)
  if (raw !== undefined) return made({ kind: 'literal', text: raw, value: raw.slice(1, -1) }, raw)
  const mark = match(patterns.mark)
  if (mark !== undefined) return made({ kind: 'mark', text: mark }, mark)
  throw refuse(`unexpected "${template[at] ?? ''}"`)
}

function made(token: Token, text: string): { token: Token; length: number } {
  return { token, length: text.length }
}

function pathToken(text: string, spaced: boolean): Token {
  const [head = '', ...fields] = text === '.' ? [''] : text.split('.')
  const variable = head.startsWith('$') ? { variable: head.slice(1) } : {}
  return { kind: 'path', text, fields, ...variable, ...(spaced ? {} : { isGlued: true }) }
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

/** Go's escapes are JSON's, and a few more that nobody writes on a command line. */
function unquote(text: string, refuse: (why: string) => Error): string {
  try {
    return JSON.parse(text) as string
  } catch {
    throw refuse(`${text} has an escape that is not known`)
  }
}
