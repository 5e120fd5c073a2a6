/** Archives and terminals do not go together. */
import { WherryError } from '../core/errors.ts'
import type { Io } from './io.ts'

/** Refuses to write an archive to a terminal. @throws WherryError `usage` */
export function refuseTerminal(io: Pick<Io, 'stdout'>, what: string): void {
  if (!io.stdout.isTTY) return
  throw new WherryError('usage', `${what} is not written to a terminal`, {
    hint: 'Name a file with -o FILE, or redirect standard output.',
  })
}
