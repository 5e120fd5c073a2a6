/** The terminal as a program that draws on it wants it: every key as it comes. */
import type { Io } from './io.ts'

/** Sets the terminal to raw for as long as `work` takes; Node puts it back when the process ends in any other way. */
export async function withRawTerminal<T>({ stdin }: Pick<Io, 'stdin'>, work: () => Promise<T>): Promise<T> {
  if (!stdin.isTTY) return work()
  stdin.setRawMode(true)
  try {
    return await work()
  } finally {
    stdin.setRawMode(false)
    // Asking for the stream has made it one that is waited for.
    stdin.unref()
  }
}
