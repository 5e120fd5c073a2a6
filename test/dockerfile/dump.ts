/** Nodes as S-expressions, in the notation of BuildKit's golden files. */
import type { Arguments } from '../../src/dockerfile/arguments.ts'
import type { Node } from '../../src/dockerfile/parser.ts'

const named: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
}

/** Go's strconv.Quote for the characters that the golden files have. */
function quote(text: string): string {
  const body = Array.from(text, (char) => {
    const code = char.codePointAt(0)!
    return named[char] ?? (code < 0x20 || code === 0x7f ? `\\x${code.toString(16).padStart(2, '0')}` : char)
  })
  return `"${body.join('')}"`
}

interface Part {
  readonly name: string
  readonly flags: readonly string[]
  readonly arguments: Arguments
}

function dumpPart({ name, flags, arguments: { args, trigger } }: Part): string {
  const head = [name.toLowerCase(), ...(flags.length > 0 ? [`[${flags.map(quote).join(' ')}]`] : [])]
  const tail = trigger === undefined ? args.map(quote) : [dumpPart(trigger)]
  return `(${[...head, ...tail].join(' ')})`
}

/** All nodes, one a line. */
export function dumpNodes(nodes: readonly Node[]): string {
  return nodes.map(dumpPart).join('\n')
}
