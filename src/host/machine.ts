/** What this machine is called and how large it is. */
import { readFileSync } from 'node:fs'
import { availableParallelism, hostname, machine, totalmem } from 'node:os'
import { ifThere } from '../core/if-there.ts'

/** Facts of no consequence for builds. */
export interface MachineNames {
  readonly name: string
  /** As os-release(5) has it: `Debian GNU/Linux 12 (bookworm)`. */
  readonly system: string
  /** As uname(2) has it: `x86_64`. */
  readonly architecture: string
  readonly processors: number
  /** Bytes. */
  readonly memory: number
}

/** Reads the names of this machine. Never throws. */
export function machineNames(): MachineNames {
  return {
    name: hostname(),
    system: systemName(),
    architecture: machine(),
    processors: availableParallelism(),
    memory: totalmem(),
  }
}

function systemName(): string {
  const text = ifThere(() => readFileSync('/etc/os-release', 'utf8')) ?? ''
  const [, name] = /^PRETTY_NAME=(.*)$/m.exec(text) ?? []
  return name?.replace(/^(["'])(.*)\1$/, '$2') ?? 'Linux'
}
