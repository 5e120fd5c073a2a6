/** What a command is: its options as data, which the argument scanner, the help and the types all read, and what it does. */
import type { Io } from './io.ts'

/** How an option takes its value. */
export type OptionKind =
  /** `--flag`, `--flag=false`. */
  | 'boolean'
  /** `--name value`; the last one counts. */
  | 'string'
  /** `--name value`, any number of times. */
  | 'list'
  /** `--name` or `--name=value`, never `--name value`. */
  | 'optional'

export interface OptionSpec {
  readonly kind: OptionKind
  /** One sentence for the help, no full stop. */
  readonly help: string
  /** One letter. */
  readonly short?: string
  /** Other long names. */
  readonly aliases?: readonly string[]
  /** What stands for the value in the help: `PATH`. */
  readonly value?: string
  /** Allowed values; for an `optional` one its bare form must be among them. */
  readonly choices?: readonly string[]
  /** For `boolean`: what holds when it is not given; false without this. */
  readonly on?: boolean
  /** For `optional`: the value of the bare form. */
  readonly bare?: string
  /** Left out of the help. */
  readonly hidden?: boolean
}

/** Options by long name. */
export type OptionTable = Readonly<Record<string, OptionSpec>>

type ValueOf<S extends OptionSpec> = S['kind'] extends 'boolean'
  ? boolean
  : S['kind'] extends 'list'
    ? readonly string[]
    : string | undefined

/** The values of a table's options. */
export type OptionValues<T extends OptionTable> = { readonly [K in keyof T]: ValueOf<T[K]> }

/** Options that every command takes. */
export const globalOptions = {
  root: {
    kind: 'string',
    value: 'DIR',
    aliases: ['cache-dir'],
    help: 'Folder of the local store (default $XDG_DATA_HOME/wherry)',
  },
  debug: { kind: 'boolean', short: 'D', help: 'Show the stack of an error' },
  help: { kind: 'boolean', short: 'h', help: 'Show this help' },
} as const satisfies OptionTable

/** What a command is given. */
export interface Invocation<T extends OptionTable = OptionTable> {
  readonly options: OptionValues<T> & OptionValues<typeof globalOptions>
  readonly args: readonly string[]
}

/** A command; one file each in `commands/`. */
export interface Command<T extends OptionTable = OptionTable> {
  /** Arguments after the options, as the usage line shows them: `[OPTIONS] PATH`. */
  readonly usage: string
  /** How many arguments may follow, both included. */
  readonly arguments: readonly [min: number, max: number]
  readonly options: T
  /** True if options end at the first argument, which is a program with options of its own. */
  readonly stopAtArgument?: boolean
  /** Exit code where wherry itself fails, if programs have all others; 2 for wrong usage and 1 without this. */
  readonly failed?: number
  /** Options of docker's command of that name that are still missing, refused by name. */
  readonly unsupported?: readonly string[]
  /** Options of other programs that make no sense here, each with the reason and what to write instead. */
  readonly refused?: Readonly<Record<string, string>>
  /** Command lines with what they do. */
  readonly examples?: readonly (readonly [line: string, does: string])[]
  /** Does it and returns the exit code. @throws WherryError */
  readonly run: (invocation: Invocation<T>, io: Io) => Promise<number>
}

/** A command whose `run` sees its options typed. */
export function defineCommand<const T extends OptionTable>(command: Command<T>): Command {
  return command as unknown as Command
}
