/**
 * A pid namespace in which all runs are born, so that they die with this process, whatever kills it and whatever they become.
 *
 * A death signal of the parent does not suffice: it is lost when a process changes its user, and comes too early for a child
 * that has not asked for it yet. But when the first process of a pid namespace ends the kernel kills all others, also those
 * of namespaces below; and this one ends when the pipe that it reads from does, of which only this process has the other end.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { WherryError } from '../core/errors.ts'
import { requireTool } from '../host/tools.ts'

/** Held, so that no collector of garbage closes the pipe. */
const keepers = new Set<ChildProcess>()

/** The namespace. */
export interface Nursery {
  /** A descriptor of it. */
  readonly fd: number
  /** Ends it and all that runs in it, and waits until its keeper is reaped, one second at most. */
  close(this: void): Promise<void>
}

/** Makes the namespace. @throws WherryError `sandbox-failed` */
export async function openNursery(): Promise<Nursery> {
  const child = spawn(requireTool('unshare'), ['--pid', '--fork', '--', requireTool('cat')], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    env: {},
  })
  keepers.add(child)
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => reject(new Error('unshare --pid failed')))
  })
  try {
    // An echo says that the first process is there; before, the namespace cannot be opened.
    child.stdin.write('\n')
    await Promise.race([once(child.stdout, 'data'), failed])
    const fd = openSync(`/proc/${child.pid ?? 0}/ns/pid_for_children`, 'r')
    return { fd, close: () => end(child) }
  } catch (cause) {
    throw new WherryError('sandbox-failed', 'cannot make a pid namespace for steps', { cause })
  } finally {
    child.stdout.destroy()
    child.unref()
    const held = child.stdin as Partial<Socket>
    held.unref?.()
  }
}

const endLimitMs = 1000

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.ref()
  child.stdin?.end()
  await Promise.race([ended, delay(endLimitMs, undefined, { ref: false })])
}
