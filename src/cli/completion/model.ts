/** What can be completed, as data: commands with their options and what the arguments of each are. */
import { type Command, type OptionSpec, type OptionTable, globalOptions } from '../command.ts'
import type { CommandEntry } from '../commands.ts'

/** What stands for a value. */
export type ValueKind =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'file' | 'folder' | 'image' | 'other' }

/** An option by all its spellings. */
export interface CompletedOption {
  /** `--tag`, `-t`; long ones first. */
  readonly names: readonly string[]
  readonly help: string
  /** Undefined if it takes no value, or only one behind `=`. */
  readonly value: ValueKind | undefined
  /** Words behind `=`, of an option whose value is never the next argument. */
  readonly attached: readonly string[]
  readonly repeats: boolean
}

/** A command by all its names. */
export interface CompletedCommand {
  readonly names: readonly string[]
  readonly summary: string
  readonly options: readonly CompletedOption[]
  readonly argument: ValueKind
}

/** The model of commands. */
export async function completionModel(entries: readonly CommandEntry[]): Promise<CompletedCommand[]> {
  return Promise.all(
    entries.map(async (entry): Promise<CompletedCommand> => {
      const command = await entry.load()
      return {
        names: [entry.name, ...entry.also],
        summary: entry.summary,
        options: optionsOf({ ...command.options, ...globalOptions }),
        argument: argumentOf(command),
      }
    }),
  )
}

function optionsOf(table: OptionTable): CompletedOption[] {
  return Object.entries(table)
    .filter(([, spec]) => spec.hidden !== true)
    .map(([name, spec]) => ({
      names: [name, ...(spec.aliases ?? [])]
        .map((n) => `--${n}`)
        .concat(spec.short === undefined ? [] : [`-${spec.short}`]),
      help: spec.help,
      value: spec.kind === 'boolean' || spec.kind === 'optional' ? undefined : valueOf(spec),
      attached: spec.kind === 'optional' ? (spec.choices ?? []) : [],
      repeats: spec.kind === 'list',
    }))
}

/** The word that stands for the value in the help says what it is. */
function valueOf({ choices, value = '' }: OptionSpec): ValueKind {
  if (choices !== undefined) return { kind: 'words', words: choices }
  if (/^(DIR|FOLDER)$/.test(value)) return { kind: 'folder' }
  if (/FILE|PATH|SRC|DEST/.test(value)) return { kind: 'file' }
  return /^IMAGE/.test(value) ? { kind: 'image' } : { kind: 'other' }
}

function argumentOf({ usage }: Command): ValueKind {
  const shells = /\b(\w+(?:\|\w+)+)\b/.exec(usage.replace(/\[OPTIONS\]/, ''))?.[1]
  if (shells !== undefined && shells === shells.toLowerCase()) return { kind: 'words', words: shells.split('|') }
  if (/IMAGE|SOURCE_IMAGE|\bNAME\b/.test(usage)) return { kind: 'image' }
  return /PATH|FILE|DIR|TARGET|CONTEXT/.test(usage) ? { kind: 'file' } : { kind: 'other' }
}

/** Every first word of the commands' names, sorted, with what it does; a word of several commands says of which. */
export function firstWords(commands: readonly CompletedCommand[]): Map<string, string> {
  const words = new Map<string, string>()
  for (const { names, summary } of commands) {
    for (const name of names) {
      const [first = '', second] = name.split(' ')
      if (second === undefined) words.set(first, summary)
      else if (!words.has(first)) words.set(first, `Commands of ${first}`)
    }
  }
  return new Map([...words].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The words that may follow each first word of a name of two, sorted, with what they do. */
export function secondWords(commands: readonly CompletedCommand[]): Map<string, Map<string, string>> {
  const groups = new Map<string, Map<string, string>>()
  for (const { names, summary } of commands) {
    for (const name of names) {
      const [first = '', second] = name.split(' ')
      if (second === undefined) continue
      const group = groups.get(first) ?? new Map<string, string>()
      groups.set(first, group.set(second, summary))
    }
  }
  return groups
}

/** A word in single quotes, for any of the shells. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
