/** `--on-error shell` where no shell can be opened: how to get there. */
import { WherryError, asWherryError } from '../core/errors.ts'
import type { ProgressMode } from '../ui/pick.ts'
import type { Io } from './io.ts'

/** True if a shell can take the terminal. */
export function hasTerminal(io: Pick<Io, 'stdin' | 'stderr'>, mode: ProgressMode): boolean {
  return io.stdin.isTTY && io.stderr.isTTY && mode !== 'json' && mode !== 'quiet'
}

/** The error of a failed RUN with the command line that would open a shell; other errors as they are. */
export function withWayToShell(thrown: unknown, argv: readonly string[]): WherryError {
  const error = asWherryError(thrown)
  if (error.code !== 'run-failed') return error
  const { code, message, at, details, cause } = error
  const way = `A shell needs a terminal, and progress that people read. On one, write: ${repeatable(argv)}`
  const hint = error.hint === undefined ? way : `${error.hint} ${way}`
  return new WherryError(code, message, { hint, at, details, cause })
}

/** The command line as one could type it, without values that may be secret and without what forbids a shell. */
export function repeatable(argv: readonly string[]): string {
  const words = argv.flatMap((word, i) => {
    const before = argv[i - 1]
    if (word === '-q' || word === '--quiet' || word === '--progress' || word.startsWith('--progress=')) return []
    if (before === '--progress') return []
    if (before === '--build-arg' || before === '--env') return [word.split('=', 1)[0]!]
    const pair = /^(--build-arg|--env)=([^=]*)=/.exec(word)
    return [pair === null ? word : `${pair[1]}=${pair[2]}`]
  })
  return ['wherry', ...words].map(quoted).join(' ')
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
