/** Runs TypeScript of the tests in child processes, to be killed or run by the dozen: bundled first, since Node 20 runs no types. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'

const cache = join(import.meta.dirname, '../../node_modules/.cache/wherry-test')

/** Bundles a script (absolute path); returns the file to run with Node. Packages stay in node_modules. */
export async function bundleScript(path: string): Promise<string> {
  mkdirSync(cache, { recursive: true })
  const outfile = join(cache, `${basename(path, '.ts')}-${process.pid}.mjs`)
  await build({
    entryPoints: [path],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
  })
  return outfile
}

/** Starts a bundled script; its standard output is piped. */
export function startScript(script: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Waits for a child's end; its exit code, or the signal that ended it. */
export async function ended(child: ChildProcess): Promise<number | NodeJS.Signals> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode ?? child.signalCode ?? -1
}
