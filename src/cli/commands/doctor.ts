/** `wherry doctor`: what this machine allows, tried rather than guessed, and how to mend what it does not. */
import { WherryError, asWherryError } from '../../core/errors.ts'
import { choose } from '../../host/choose.ts'
import type { Finding, Mode } from '../../host/contract.ts'
import { probeFacts } from '../../host/facts.ts'
import { survey } from '../../host/survey.ts'
import { findTool } from '../../host/tools.ts'
import { registryInventory } from '../../registry/inventory.ts'
import type { Store } from '../../store/contract.ts'
import { makeStyle } from '../../ui/style.ts'
import { defineCommand } from '../command.ts'
import { machineFindings, modeFindings } from '../findings.ts'
import { type Io, printLine, surfaceOf } from '../io.ts'
import { placeFindings, registryFindings } from '../place-findings.ts'
import { openStoreFor } from '../store.ts'
import { beginWait } from '../waiting.ts'
import { scopeOf, treesFor } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options: { json: { kind: 'boolean', help: 'Print everything that was found as JSON' } },
  run: async ({ options }, io) => {
    const facts = await probeFacts({ tryNamespace: true })
    const store = await openStoreFor(options, io).catch(asWherryError)
    const inventory = await registryInventory(io.env)
    const choice = choose(facts, 'auto')
    const isOpen = !(store instanceof WherryError)
    const findings: Finding[] = [
      { name: 'node', level: 'ok', found: process.version },
      ...machineFindings(facts),
      ...(isOpen ? placeFindings(store.root, survey(store.root), facts) : [noStore(store)]),
      ...registryFindings(inventory, (name) => findTool(name) !== undefined),
      ...modeFindings(facts),
      ...(choice.ok && isOpen ? [await trial(store, choice.mode, io)] : []),
    ]
    const works = choice.ok && isOpen && findings.at(-1)!.level === 'ok'
    const mode = choice.ok ? choice.mode.kind : null
    const { refused } = choice
    if (options.json) printLine(io, JSON.stringify({ works, mode, refused, findings, facts }, null, 2))
    else print(findings, summaryOf({ works, isOpen, mode }), io)
    return works ? 0 : 1
  },
})

function noStore({ message, hint }: WherryError): Finding {
  return {
    name: 'store',
    level: 'missing',
    found: message,
    fix: hint ?? 'name a folder that can be written: --root DIR',
  }
}

function summaryOf({ works, isOpen, mode }: { works: boolean; isOpen: boolean; mode: string | null }): string {
  if (works) return `Builds run their steps in ${mode ?? ''} mode.`
  return isOpen ? 'Steps cannot be run here; builds without RUN work.' : 'Nothing can be built without a store.'
}

/** Runs a program that is not there in an empty root file system: all but the program must work, so it ends with 127. */
async function trial(store: Store, mode: Mode, io: Io): Promise<Finding> {
  const name = 'trial of a step'
  const wait = await beginWait({ text: 'trying a step' }, io)
  const trees = await treesFor(store, {})
  const run = {
    layers: [],
    args: ['/no-such-program'],
    env: [],
    cwd: '/',
    user: '',
    // Without a namespace of its own a step has the network that is there.
    network: mode.kind === 'chroot' ? 'host' : 'none',
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
    if (exitCode === 127) return { name, level: 'ok', found: 'works' }
    return { name, level: 'missing', found: `ended with ${exitCode}` }
  } catch (error) {
    const { message, hint } = asWherryError(error)
    return { name, level: 'missing', found: message, ...(hint === undefined ? {} : { fix: hint }) }
  } finally {
    await trees.close()
    wait.close()
  }
}

function print(findings: readonly Finding[], summary: string, io: Io): void {
  const style = makeStyle(surfaceOf(io.stdout, io.env).color)
  const width = Math.max(...findings.map((finding) => finding.name.length))
  const marks = { ok: style.green('ok'), note: style.yellow('--'), missing: style.red('no') }
  for (const { name, level, found, fix } of findings) {
    printLine(io, `${marks[level]}  ${name.padEnd(width)}  ${found}`)
    if (level !== 'ok' && fix !== undefined) printLine(io, `${' '.repeat(width + 4)}  ${style.bold(`fix: ${fix}`)}`)
  }
  printLine(io, `\n${style.bold(summary)}`)
}
