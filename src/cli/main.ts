/** Entry of the command line: finds the command, runs it, turns errors into text and an exit code. Kept small, since all of it is read at every start. */
import { WherryError, asWherryError } from '../core/errors.ts'
import { readArguments } from './argv.ts'
import { commands, findCommand } from './commands.ts'
import { splitGlobals } from './globals.ts'
import type { Io } from './io.ts'
import { listenForInterruption } from './signals.ts'
import { version } from './version.ts'

/** Exit codes beside 0: what was asked failed, and it was asked wrongly. */
const failed = 1
const misused = 2

/** What the command says instead of both. */
let ownFailure: number | undefined

async function main(argv: readonly string[], io: Io): Promise<number> {
  const { globals, words } = splitGlobals(argv)
  if (globals.includes('--version')) {
    io.stdout.write(`wherry ${version}\n`)
    return 0
  }
  if (words[0] === 'help' && words.includes('--man')) {
    io.stdout.write(await manual(words.slice(1).filter((word) => word !== '--man')))
    return 0
  }
  const found = findCommand(words[0] === 'help' ? words.slice(1) : words)
  const wantsHelp = words[0] === 'help' || globals.includes('--help')
  if (found === undefined) {
    const { groupHelp, overview, unknownCommand } = await import('./help.ts')
    const [name, ...others] = words[0] === 'help' ? words.slice(1) : words
    const group = name === undefined ? undefined : groupHelp(name)
    if (group !== undefined && splitGlobals(others).words.length === 0) {
      io.stdout.write(group)
      return 0
    }
    if (words.length > 0 && !(wantsHelp && words.length === 1)) throw unknownCommand(words)
    const text = await overview(io.stdout.isTTY ? io.stdout.columns : 100)
    ;(wantsHelp ? io.stdout : io.stderr).write(text)
    return wantsHelp ? 0 : misused
  }
  const command = await found.entry.load()
  ownFailure = command.failed
  const rest = wantsHelp ? ['--help'] : [...globals, ...found.rest]
  const invocation = readArguments(rest, command, found.typed)
  if (invocation.options.help) {
    const { commandHelp } = await import('./help.ts')
    io.stdout.write(await commandHelp(found.entry, command, io.stdout.isTTY ? io.stdout.columns : 100))
    return 0
  }
  return command.run(invocation, io)
}

/** `help --man [COMMAND]`: a manual page in the language of man(7). */
async function manual(words: readonly string[]): Promise<string> {
  const { commandManual, manualPage } = await import('./man.ts')
  if (words.length === 0) return manualPage(commands)
  const found = findCommand(words)
  if (found !== undefined && found.rest.length === 0) return commandManual(found.entry)
  throw (await import('./help.ts')).unknownCommand(words)
}

/** Writes an error to standard error and returns the exit code for it. */
async function reportError(thrown: unknown, io: Io, debug: boolean): Promise<number> {
  const error = asWherryError(thrown)
  const [{ renderError }, { surfaceOf }, { sourceLines }] = await Promise.all([
    import('../ui/error.ts'),
    import('./io.ts'),
    import('./sources.ts'),
  ])
  const view = { color: surfaceOf(io.stderr, io.env).color, source: (file: string) => sourceLines(io.sources, file) }
  io.stderr.write(renderError(error, view))
  if (debug) io.stderr.write(`${stackOf(error)}\n`)
  else if (error.code === 'internal') io.stderr.write('This is a bug of wherry; --debug shows where.\n')
  return ownFailure ?? (error.code === 'usage' ? misused : failed)
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : ''
  return `${error.stack ?? error.message}${cause}`
}

/** Resolves when a stream has handed on all that was written to it. */
async function drained(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength > 0) await new Promise<void>((resolve) => void stream.write('', () => resolve()))
}

const interruption = listenForInterruption()
const io: Io = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  signal: interruption.signal,
  sources: new Map(),
}
// The reader of a pipe may leave early (`wherry images | head -1`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : failed))
const argv = process.argv.slice(2)
let code: number
try {
  code = await main(argv, io)
} catch (error) {
  const cancelled = error instanceof WherryError && error.code === 'cancelled'
  code = interruption.exitCode() ?? failed
  if (!cancelled || interruption.exitCode() === undefined) {
    code = await reportError(error, io, argv.includes('--debug') || argv.includes('-D'))
  }
}
await Promise.all([drained(process.stdout), drained(process.stderr)])
// Connections kept alive for a next request must not keep the process.
process.exit(code)
