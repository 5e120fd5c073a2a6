/** Where the bundles are, from wherever this code runs: a bundle itself, or the sources under test. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { WherryError } from '../core/errors.ts'

/**
 * The path of a file of `dist/`, `worker.js` for instance.
 * @throws WherryError `internal` if the bundles were not made
 */
export function bundledFile(name: string): string {
  const beside = fileURLToPath(new URL(name, import.meta.url))
  if (existsSync(beside)) return beside
  const fromSource = fileURLToPath(new URL(`../../dist/${name}`, import.meta.url))
  if (existsSync(fromSource)) return fromSource
  throw new WherryError('internal', `the bundle ${name} is missing`, {
    hint: 'Run `npm run build` in the folder of wherry.',
  })
}
