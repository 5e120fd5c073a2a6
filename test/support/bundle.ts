/** Vitest global set-up: makes the bundles in dist once, from the sources under test. */
import { execFileSync } from 'node:child_process'

let made = false

export default function bundle(): void {
  // Every project asks for it. WHERRY_DIST=keep takes what is there, for work on a part while another does not compile.
  if (made || process.env['WHERRY_DIST'] === 'keep') return
  execFileSync(process.execPath, ['esbuild.config.mjs'], { stdio: 'inherit' })
  made = true
}
