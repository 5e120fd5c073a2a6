/**
 * Reads a command line as docker does (the grammar of spf13/pflag): `--name value`, `--name=value`, `-t value`, `-t=value`,
 * `-tvalue`, `-it`, `--flag=false`, `--`. yargs reads some of these differently, and loading it costs as much as half of Node's
 * own start; it writes the help.
 */
import { WherryError } from '../core/errors.ts'
import { nearest } from '../dockerfile/suggest.ts'
import { type Command, type Invocation, type OptionSpec, globalOptions } from './command.ts'

interface Reading {
  readonly command: Command
  readonly name: string
  readonly values: Map<string, string | boolean | string[]>
  readonly args: string[]
}

/**
 * Reads what follows the command's name. `name` is for messages.
 * @throws WherryError `usage`
 */
export function readArguments(argv: readonly string[], command: Command, name: string): Invocation {
  const reading: Reading = { command, name, values: new Map(), args: [] }
  let i = 0
  while (i < argv.length) {
    const arg = argv[i]!
    if (arg === '--') {
      reading.args.push(...argv.slice(i + 1))
      break
    }
    if (arg === '-' || !arg.startsWith('-')) {
      reading.args.push(arg)
      i++
      if (!command.stopAtArgument) continue
      reading.args.push(...argv.slice(i))
      break
    }
    i += 1 + (arg.startsWith('--') ? readLong(reading, arg, argv[i + 1]) : readShort(reading, arg, argv[i + 1]))
  }
  const invocation = { options: withDefaults(reading), args: reading.args } as unknown as Invocation
  if (!invocation.options.help) checkArguments(reading)
  return invocation
}

/** Reads `--name[=value]`; returns 1 if it took the next argument as its value. */
function readLong(reading: Reading, arg: string, next: string | undefined): 0 | 1 {
  const equals = arg.indexOf('=')
  const name = arg.slice(2, equals < 0 ? undefined : equals)
  const [key, spec] = findOption(reading, `--${name}`, (k, s) => k === name || s.aliases?.includes(name) === true)
  if (equals >= 0) return setValue(reading, [key, spec], arg.slice(equals + 1), `--${name}`)
  if (spec.kind === 'boolean') return setValue(reading, [key, spec], 'true', `--${name}`)
  if (spec.kind === 'optional') return setValue(reading, [key, spec], spec.bare ?? '', `--${name}`)
  if (next === undefined) throw misuse(reading, `--${name} needs a value`)
  setValue(reading, [key, spec], next, `--${name}`)
  return 1
}

/** Reads `-abc`, `-t=value`, `-tvalue`, `-t`; returns 1 if it took the next argument. */
function readShort(reading: Reading, arg: string, next: string | undefined): 0 | 1 {
  for (let at = 1; at < arg.length; at++) {
    const letter = arg[at]!
    const [key, spec] = findOption(reading, `-${letter}`, (_, s) => s.short === letter)
    const rest = arg.slice(at + 1)
    if (rest.startsWith('=')) return setValue(reading, [key, spec], rest.slice(1), `-${letter}`)
    if (spec.kind === 'boolean' || spec.kind === 'optional') {
      setValue(reading, [key, spec], spec.kind === 'boolean' ? 'true' : (spec.bare ?? ''), `-${letter}`)
      continue
    }
    if (rest !== '') return setValue(reading, [key, spec], rest, `-${letter}`)
    if (next === undefined) throw misuse(reading, `-${letter} needs a value`)
    setValue(reading, [key, spec], next, `-${letter}`)
    return 1
  }
  return 0
}

function findOption(
  reading: Reading,
  written: string,
  matches: (key: string, spec: OptionSpec) => boolean,
): [string, OptionSpec] {
  const all: [string, OptionSpec][] = Object.entries({ ...globalOptions, ...reading.command.options })
  const found = all.find(([key, spec]) => matches(key, spec))
  if (found !== undefined) return found
  if (reading.command.unsupported?.includes(written)) {
    throw new WherryError('usage', `${written} is not implemented yet`, {
      hint: `\`wherry ${reading.name} --help\` lists the options that are.`,
    })
  }
  const reason = reading.command.refused?.[written]
  if (reason !== undefined) throw new WherryError('usage', `${written} is not an option here: ${reason}`)
  const names = all.flatMap(([key, spec]) => [key, ...(spec.aliases ?? [])]).map((key) => `--${key}`)
  const near = written.length > 4 ? nearest(written, names) : undefined
  throw misuse(reading, `unknown option ${written}`, near === undefined ? undefined : `Did you mean ${near}?`)
}

function setValue(reading: Reading, [key, spec]: readonly [string, OptionSpec], value: string, written: string): 0 {
  if (spec.choices !== undefined && !spec.choices.includes(value)) {
    throw misuse(reading, `${written}: "${value}" is not one of ${spec.choices.join(', ')}`)
  }
  if (spec.kind === 'boolean') reading.values.set(key, parseBoolean(reading, value, written))
  else if (spec.kind === 'list') reading.values.set(key, [...((reading.values.get(key) ?? []) as string[]), value])
  else reading.values.set(key, value)
  return 0
}

/** The spellings that Go's strconv.ParseBool takes. */
function parseBoolean(reading: Reading, value: string, written: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false
  throw misuse(reading, `${written}: "${value}" is neither true nor false`)
}

function withDefaults(reading: Reading): Record<string, unknown> {
  const options: Record<string, unknown> = {}
  const all: [string, OptionSpec][] = Object.entries({ ...globalOptions, ...reading.command.options })
  for (const [key, spec] of all) {
    const absent = spec.kind === 'boolean' ? (spec.on ?? false) : spec.kind === 'list' ? [] : undefined
    options[key] = reading.values.get(key) ?? absent
  }
  return options
}

function checkArguments(reading: Reading): void {
  const [min, max] = reading.command.arguments
  const count = reading.args.length
  if (count >= min && count <= max) return
  const wanted = min === max ? String(min) : max === Infinity ? `at least ${min}` : `${min} to ${max}`
  const noun = wanted === '1' || wanted === 'at least 1' ? 'argument' : 'arguments'
  throw misuse(reading, `\`wherry ${reading.name}\` takes ${wanted === '0' ? 'no' : wanted} ${noun}, not ${count}`)
}

function misuse(reading: Reading, message: string, hint?: string): WherryError {
  const help = `Usage: wherry ${reading.name} ${reading.command.usage}; \`wherry ${reading.name} --help\` says more.`
  return new WherryError('usage', message, { hint: hint ?? help })
}
