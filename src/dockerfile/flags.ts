/** The `--name=value` flags in front of an instruction's arguments. */
import { nearest } from './suggest.ts'
import { syntaxError } from './syntax-error.ts'
import { cut } from './text.ts'

/** What a flag takes: true or false (`--link` alone is true), one value, or any number of values. */
type FlagKind = 'boolean' | 'string' | 'list'

/** The flags that an instruction knows. */
export type FlagTable = Readonly<Record<string, FlagKind>>

/** The flags that were given, by name without dashes. */
export interface Flags {
  /** A `boolean` flag; undefined if it was not given. */
  boolean(name: string): boolean | undefined
  /** A `string` flag; undefined if it was not given or is empty. */
  string(name: string): string | undefined
  /** A flag's values in order, empty ones too. */
  list(name: string): readonly string[]
}

/**
 * Checks flag words against what `instruction` knows.
 * @throws WherryError `dockerfile-syntax` for an unknown, repeated or malformed flag
 */
export function parseFlags(words: readonly string[], instruction: string, table: FlagTable): Flags {
  const values = new Map<string, string[]>()
  for (const word of words) {
    const [dashed, value] = cut(word, '=')
    const name = dashed.slice(2)
    const kind = Object.hasOwn(table, name) ? table[name] : undefined
    if (kind === undefined) throw unknownFlag(dashed, instruction, table)
    const known = values.get(name)
    if (known !== undefined && kind !== 'list') throw syntaxError(`duplicate flag specified: ${dashed}`)
    const text = kind === 'boolean' ? booleanText(dashed, value) : present(dashed, value)
    if (known === undefined) values.set(name, [text])
    else known.push(text)
  }
  return {
    boolean: (name) => (values.has(name) ? values.get(name)?.[0] === 'true' : undefined),
    string: (name) => values.get(name)?.[0] || undefined,
    list: (name) => values.get(name) ?? [],
  }
}

function unknownFlag(dashed: string, instruction: string, table: FlagTable): Error {
  const names = Object.keys(table)
  const near = nearest(dashed.slice(2), names)
  const all = names.map((name) => `--${name}`).join(', ')
  const known = names.length === 0 ? `${instruction} takes no flags.` : `${instruction} takes ${all}.`
  const suggestion = near === undefined ? '' : ` (did you mean ${near}?)`
  return syntaxError(`${instruction}: unknown flag: ${dashed}${suggestion}`, known)
}

function present(dashed: string, value: string | undefined): string {
  if (value !== undefined) return value
  throw syntaxError(`missing a value on flag: ${dashed}`, `Write ${dashed}=VALUE.`)
}

function booleanText(dashed: string, value: string | undefined): string {
  if (value === '') throw syntaxError(`missing a value on flag: ${dashed}`)
  const text = (value ?? 'true').toLowerCase()
  if (text === 'true' || text === 'false') return text
  throw syntaxError(`expecting boolean value for flag ${dashed}, not: ${value ?? ''}`)
}
