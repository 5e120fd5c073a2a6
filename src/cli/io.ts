/** What a command may use of the process: its streams, environment, folder and cancellation. */
import type { Surface } from '../ui/renderer.ts'

export interface Io {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Fires at the first Ctrl-C, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal
  /** Files that an error may point to: the name shown, and the path. */
  readonly sources: Map<string, string>
}

/** The surface that a renderer gets for one of the two output streams. NO_COLOR: https://no-color.org */
export function surfaceOf(stream: NodeJS.WriteStream, env: Io['env']): Surface {
  const isTerminal = stream.isTTY && env['TERM'] !== 'dumb'
  return {
    write: (text) => void stream.write(text),
    isTerminal,
    color: isTerminal && (env['NO_COLOR'] ?? '') === '',
    columns: () => (stream.isTTY ? stream.columns : 0) || 80,
    rows: () => (stream.isTTY ? stream.rows : 0) || 24,
    now: () => performance.now(),
  }
}

/** Writes one line to standard output. */
export function printLine(io: Pick<Io, 'stdout'>, text: string): void {
  io.stdout.write(`${text}\n`)
}

/** Writes one line to standard error. */
export function noteLine(io: Pick<Io, 'stderr'>, text: string): void {
  io.stderr.write(`${text}\n`)
}
