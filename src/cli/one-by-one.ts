/** Commands that do the same to several things, as docker does: what goes wrong with one keeps the others no less. */
import { asWherryError, isCancelled } from '../core/errors.ts'
import { type Io, noteLine } from './io.ts'

/** Does it to each, tells what went wrong, and gives the exit code. */
export async function forEach(
  queries: readonly string[],
  io: Io,
  work: (query: string) => Promise<void>,
): Promise<number> {
  let code = 0
  for (const query of queries) {
    try {
      await work(query)
    } catch (error) {
      if (isCancelled(error)) throw error
      const { message, code: word, hint } = asWherryError(error)
      noteLine(io, `ERROR: ${message} [${word}]${hint === undefined ? '' : `\nhint: ${hint}`}`)
      code = 1
    }
  }
  return code
}
