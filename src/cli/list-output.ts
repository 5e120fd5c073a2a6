/** Lists of names: a line each, or JSON. */
import { type Io, printLine } from './io.ts'

/** Prints the names. */
export function printNames(names: readonly string[], json: boolean, io: Pick<Io, 'stdout'>): void {
  if (json) printLine(io, JSON.stringify(names))
  else io.stdout.write(names.map((name) => `${name}\n`).join(''))
}
