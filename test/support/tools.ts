/** Programs of the host as judges of results. */
import { execFileSync } from 'node:child_process'

/** Runs a program to its end; its standard output. @throws Error if it fails */
export function run(name: string, ...args: readonly string[]): string {
  return execFileSync(name, args, { encoding: 'utf8', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'pipe'] })
}
