/** Reading a YAML file field by field: every mistake is told with its file, line and key. */
import {
  type Document,
  LineCounter,
  type Node,
  type ParsedNode,
  type YAMLMap,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
} from 'yaml'
import { WherryError } from '../core/errors.ts'

/** A value of the file with its way from the top: `repositories[0].git`. */
export interface Field {
  readonly key: string
  /** The error of a value that cannot be; `what` follows the key: `must be a text`. */
  wrong(what: string, hint?: string): WherryError
  /** @throws WherryError `config-invalid` if it is no text (a number or true is one) */
  text(): string
  /** A whole number of a range. @throws WherryError `config-invalid` */
  number(least: number, most: number): number
  /** The items of a list; one value alone is a list of it. @throws WherryError `config-invalid` for a map */
  items(): Field[]
  /** Fields by name. @throws WherryError `config-invalid` if it is no map, lacks a needed key, or has a key that is not known */
  fields<Name extends string>(known: readonly Name[], needed?: readonly Name[]): Partial<Record<Name, Field>>
  /** Names and values of a map, whatever its names. @throws WherryError `config-invalid` */
  entries(): (readonly [name: string, value: Field])[]
}

interface Source {
  readonly document: Document<ParsedNode>
  readonly lines: LineCounter
  readonly file: string
}

/** The top of a file. @throws WherryError `config-invalid` for text that is no YAML */
export function yamlFields(text: string, file: string): Field {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true })
  const [error] = [...document.errors, ...document.warnings]
  if (error !== undefined) {
    const { line } = lines.linePos(error.pos[0])
    throw problem(file, line, error.message.replace(/\s+/g, ' '))
  }
  const source = { document, lines, file }
  return field(source, document.contents ?? undefined, '')
}

function problem(file: string, line: number, message: string, hint?: string): WherryError {
  return new WherryError('config-invalid', `${file}:${line}: ${message}`, {
    at: { file, startLine: line, endLine: line },
    ...(hint !== undefined && { hint }),
  })
}

function field(source: Source, given: Node | undefined | null, key: string, at?: Node): Field {
  const { document, lines, file } = source
  const node = isAlias(given) ? given.resolve(document) : (given ?? undefined)
  const wrong: Field['wrong'] = (what, hint) => {
    const start = (given ?? at)?.range?.[0] ?? 0
    return problem(file, lines.linePos(start).line || 1, `${key === '' ? 'the file' : key} ${what}`, hint)
  }
  const scalar = (): unknown => (isScalar(node) ? node.value : undefined)
  const asMap = (): YAMLMap => {
    if (isMap(node)) return node
    throw wrong('must be a map of keys and values')
  }
  const pairs = (): { readonly name: string; readonly keyNode: Node; readonly value: Node | null }[] =>
    asMap().items.map((pair) => {
      const keyNode = pair.key as Node
      return { name: isScalar(keyNode) ? String(keyNode.value) : '', keyNode, value: pair.value as Node | null }
    })
  const below = (name: string): string => (key === '' ? name : `${key}.${name}`)
  return {
    key,
    wrong,
    text: () => {
      const value = scalar()
      // As it is written: 1.10 is a tag, not the number 1.1.
      if ((typeof value === 'number' || typeof value === 'boolean') && isScalar(node))
        return node.source ?? String(value)
      if (typeof value === 'string' && value !== '' && !/[\u0000-\u001f\u007f]/.test(value)) return value
      throw wrong('must be a text on one line')
    },
    number: (least, most) => {
      const value = scalar()
      if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
      throw wrong(`must be a whole number from ${least} to ${most}`)
    },
    items: () => {
      if (isMap(node)) throw wrong('must be a list')
      if (!isSeq(node)) return [field(source, given, key, at)]
      return node.items.map((item, i) => field(source, item as Node, `${key}[${i}]`, node))
    },
    fields: (known, needed = []) => {
      const found: Partial<Record<string, Field>> = {}
      for (const { name, keyNode, value } of pairs()) {
        const one = field(source, value, below(name), keyNode)
        if (!(known as readonly string[]).includes(name)) {
          throw field(source, keyNode, below(name)).wrong(
            'is no key that is known here',
            `Known are ${known.join(', ')}.`,
          )
        }
        found[name] = one
      }
      const missing = needed.find((name) => found[name] === undefined)
      if (missing !== undefined) throw wrong(`needs ${missing}`)
      return found
    },
    entries: () =>
      pairs().map(({ name, keyNode, value }) => [name, field(source, value, below(name), keyNode)] as const),
  }
}
