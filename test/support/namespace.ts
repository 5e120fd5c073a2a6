/** Runs cases inside a user namespace, where files can be chowned and overlays mounted; each result is one test outside. */
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { chosenMode, choose } from '../../src/host/choose.ts'
import type { Isolation } from '../../src/host/contract.ts'
import { probeFacts } from '../../src/host/facts.ts'
import { enterNamespace } from '../../src/host/namespace.ts'
import { bundleScript } from './child.ts'

/** How a case ended: undefined is good. */
export type Outcomes = ReadonlyMap<string, string | undefined>

/**
 * Bundles a script that reports with `reportLine`, runs it in a namespace, and gathers what it reports.
 * @throws Error if it ends badly
 */
export async function runInNamespace(
  script: string,
  isolation: Isolation,
  args: readonly string[] = [],
): Promise<Outcomes> {
  const bundle = await bundleScript(script)
  try {
    const mode = chosenMode(choose(await probeFacts(), isolation))
    const inner = await enterNamespace(mode, { argv: [bundle, ...args], env: process.env, stdio: 'inherit' })
    const outcomes = new Map<string, string | undefined>()
    const lines = createInterface({ input: inner.control })
    lines.on('line', (line) => {
      const [name, failure] = JSON.parse(line) as [string, string | null]
      outcomes.set(name, failure ?? undefined)
    })
    const [{ code, signal }] = await Promise.all([inner.exited, once(lines, 'close')])
    if (code !== 0) throw new Error(`the script in the namespace ended with ${signal ?? code}`)
    return outcomes
  } finally {
    rmSync(bundle, { force: true })
  }
}
