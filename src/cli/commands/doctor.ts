/** `wherry doctor`: what this machine allows, tried rather than guessed, and how to mend what it does not. */
import { statfs } from 'node:fs/promises'
import { asWherryError } from '../../core/errors.ts'
import { choose } from '../../host/choose.ts'
import type { Finding } from '../../host/contract.ts'
import { probeFacts } from '../../host/facts.ts'
import type { Store } from '../../store/contract.ts'
import { makeStyle } from '../../ui/style.ts'
import { defineCommand } from '../command.ts'
import { machineFindings, storeFinding } from '../findings.ts'
import { type Io, printLine, surfaceOf } from '../io.ts'
import { openStoreFor } from '../store.ts'
import { beginWait } from '../waiting.ts'
import { scopeOf, treesFor } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options: { json: { kind: 'boolean', help: 'Print everything that was found as JSON' } },
  run: async ({ options }, io) => {
    const facts = await probeFacts()
    const store = await openStoreFor(options, io)
    const choice = choose(facts, 'auto')
    const { type, bavail, bsize } = await statfs(store.root)
    const findings = [
      { name: 'node', ok: true, found: process.version },
      ...machineFindings(facts),
      storeFinding({ root: store.root, fsType: type, freeBytes: bavail * bsize }),
      ...(choice.ok ? [await trial(store, io)] : []),
    ]
    const mode = choice.ok ? choice.mode.kind : undefined
    const works = choice.ok && findings.at(-1)!.ok
    if (options.json) printLine(io, JSON.stringify({ works, mode: mode ?? null, findings, facts }, null, 2))
    else print(findings, works ? `Builds run their steps in ${mode ?? ''} mode.` : 'Steps cannot be run here.', io)
    return works ? 0 : 1
  },
})

/** Runs a program that is not there in an empty root file system: all but the program must work, so it ends with 127. */
async function trial(store: Store, io: Io): Promise<Finding> {
  const name = 'trial of a step'
  const wait = await beginWait({ text: 'trying a step' }, io)
  const trees = await treesFor(store, {})
  const run = {
    layers: [],
    args: ['/no-such-program'],
    env: [],
    cwd: '/',
    user: '',
    network: 'none',
    hostname: 'doctor',
    extraHosts: [],
    foreground: false,
  } as const
  try {
    const { exitCode } = await trees.run(
      run,
      () => undefined,
      scopeOf(io, () => undefined),
    )
    return { name, ok: exitCode === 127, found: exitCode === 127 ? 'works' : `ended with ${exitCode}` }
  } catch (error) {
    const { message, hint } = asWherryError(error)
    return { name, ok: false, found: message, ...(hint === undefined ? {} : { fix: hint }) }
  } finally {
    await trees.close()
    wait.close()
  }
}

function print(findings: readonly Finding[], summary: string, io: Io): void {
  const style = makeStyle(surfaceOf(io.stdout, io.env).color)
  const width = Math.max(...findings.map((finding) => finding.name.length))
  for (const { name, ok, found, fix } of findings) {
    const mark = ok ? style.green('ok') : style.red('no')
    printLine(io, `${mark}  ${name.padEnd(width)}  ${found}`)
    if (!ok && fix !== undefined) printLine(io, `${' '.repeat(width + 4)}  ${style.bold(`fix: ${fix}`)}`)
  }
  printLine(io, `\n${style.bold(summary)}`)
}
