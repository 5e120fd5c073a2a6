/** Commands that do the same with each of their arguments, and go on after one that fails, as docker does. */
import { asWherryError } from '../core/errors.ts'
import { type Io, noteLine } from './io.ts'

/** Does the work for each argument; errors are told as they come. @returns the exit code */
export async function eachOf(args: readonly string[], io: Io, work: (arg: string) => Promise<void>): Promise<0 | 1> {
  let code: 0 | 1 = 0
  for (const arg of args) {
    try {
      await work(arg)
    } catch (error) {
      const known = asWherryError(error)
      if (known.code === 'cancelled') throw known
      const hint = known.hint === undefined ? '' : `\nhint: ${known.hint}`
      noteLine(io, `ERROR: ${known.message} [${known.code}]${hint}`)
      code = 1
    }
  }
  return code
}
