/** Vitest global set-up: makes the bundles in dist once, from the sources under test. */
import { execFileSync } from 'node:child_process'

export default function bundle(): void {
  execFileSync(process.execPath, ['esbuild.config.mjs'], { stdio: 'inherit' })
}
