/** Debian control data: stanzas of `Field: value` lines. deb822(5). */

/** The fields of a stanza; names as they stand, further lines of a value joined by newlines. */
export type Stanza = ReadonlyMap<string, string>

/** The stanzas of a whole text; with `wanted`, only these fields. */
export function* parseStanzas(text: string, wanted?: ReadonlySet<string>): Generator<Stanza> {
  for (const block of text.split(/\n(?:[ \t]*\n)+/)) {
    const stanza = parseStanza(block, wanted)
    if (stanza.size > 0) yield stanza
  }
}

/** Stanzas of text that comes in pieces; no more than the one that is cut is held. */
export async function* readStanzas(
  source: AsyncIterable<Uint8Array>,
  wanted?: ReadonlySet<string>,
): AsyncGenerator<Stanza> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of source) {
    const text = rest + decoder.decode(chunk, { stream: true })
    const cut = text.lastIndexOf('\n\n')
    rest = cut < 0 ? text : text.slice(cut + 2)
    if (cut >= 0) yield* parseStanzas(text.slice(0, cut), wanted)
  }
  yield* parseStanzas(rest + decoder.decode(), wanted)
}

function parseStanza(block: string, wanted: ReadonlySet<string> | undefined): Stanza {
  const fields = new Map<string, string>()
  let name = ''
  for (const line of block.split('\n')) {
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (name !== '') fields.set(name, `${fields.get(name)}\n${line.slice(1)}`)
      continue
    }
    const colon = line.indexOf(':')
    name = ''
    if (colon <= 0 || line.startsWith('#')) continue
    const key = line.slice(0, colon)
    if (wanted !== undefined && !wanted.has(key)) continue
    name = key
    fields.set(name, line.slice(colon + 1).trim())
  }
  return fields
}
