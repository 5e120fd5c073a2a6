/** Starting a planned run from this thread: new namespaces, its mounts, its process. */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs'
import { inNewNamespaces, setHostname } from '../host/process.ts'
import { openPseudoTerminal } from '../host/terminal.ts'
import { widePath } from '../host/tools.ts'
import { mountExtras } from './mount-extras.ts'
import { mountRunTree, procTable } from './mount-tree.ts'
import type { LaunchPlan } from './plan.ts'
import type { Stubs } from './stubs.ts'

/** What was started. */
export interface Launched {
  readonly child: ChildProcess
  /** Descriptor of the other side of its terminal, if it has one of its own. */
  readonly terminal?: number
}

/**
 * Mounts and starts.
 * @param made is told, also before a failure, which mount points were made in the root file system
 * @throws SystemError
 */
export function launch(plan: LaunchPlan, made: (stubs: Stubs) => void): Launched {
  return inNewNamespaces(() => {
    mountRunTree(plan)
    mountExtras(plan, made)
    setHostname(plan.hostname)
    const table = tableDescriptor(plan)
    const terminal =
      plan.terminalOwner === undefined ? undefined : openPseudoTerminal(`${plan.root}/dev/pts`, plan.terminalOwner)
    try {
      const [program = '', ...args] = plan.argv
      const stdio = terminal === undefined ? plan.stdio : [terminal.slave, terminal.slave, terminal.slave]
      const child = spawn(program, args, {
        stdio: [...stdio, plan.status, table],
        env: { ...Object.fromEntries(plan.secretEnv.map(pair)), PATH: widePath(), LC_ALL: 'C' },
        cwd: '/',
        detached: plan.detached,
      })
      return { child, ...(terminal && { terminal: terminal.master }) }
    } finally {
      if (table !== 'ignore') closeSync(table)
      if (terminal !== undefined) closeSync(terminal.slave)
    }
  })
}

function pair(entry: string): [name: string, value: string] {
  const equals = entry.indexOf('=')
  return [entry.slice(0, equals), entry.slice(equals + 1)]
}

/** The table of mounts in a file without a name. */
function tableDescriptor(plan: LaunchPlan): number | 'ignore' {
  const content = procTable(plan)
  if (content === '') return 'ignore'
  const path = `${plan.root}/dev/.table`
  writeFileSync(path, content)
  const fd = openSync(path, 'r')
  unlinkSync(path)
  return fd
}
