/** A started process: its output, its end, and killing it with all its descendants. */
import { closeSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { text } from 'node:stream/consumers'
import { WherryError, errnoOf } from '../core/errors.ts'
import { makePipe } from '../host/process.ts'
import { readyWord } from './arguments.ts'
import type { ProcessResult, Stdio } from './contract.ts'

/** How a child ended, as Node tells it. */
export interface ChildEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A child, wherever it was started from. */
export interface StartedChild {
  readonly pid: number
  /** Rejects if it could not be started. */
  readonly ended: Promise<ChildEnd>
  /** The other side of its own terminal. */
  readonly terminal?: number
}

/** Both ends of what a process writes to: real pipes, which it can also open by name (/dev/stdout). */
export interface Streams {
  readonly stdio: readonly (number | 'ignore')[]
  /** Descriptor for the prologue's report. */
  readonly status: number
  /** Closes this process's copies of the ends that the child has now. */
  handedOver(): void
  /** Resolves with the report when every writer is gone. */
  readonly drained: Promise<string>
}

/** Opens what a process needs and starts reading. */
export function openStreams(stdio: Stdio): Streams {
  const status = makePipe()
  const report = text(reader(status.read))
  const ours = [status.write]
  const drained: Promise<void>[] = []
  const output = (stream: 'stdout' | 'stderr'): number | 'ignore' => {
    if (stdio.kind !== 'pipes') return 'ignore'
    const pipe = makePipe()
    ours.push(pipe.write)
    drained.push(consume(reader(pipe.read), (chunk) => stdio.onOutput(stream, chunk)))
    return pipe.write
  }
  const fds = stdio.kind === 'inherit' ? stdio.fds : (['ignore', output('stdout'), output('stderr')] as const)
  return {
    stdio: fds,
    status: status.write,
    handedOver: () => {
      for (const fd of ours) closeSync(fd)
    },
    drained: Promise.all([report, ...drained]).then(([said]) => said),
  }
}

/** Reads a pipe to its end. */
export function reader(fd: number): Socket {
  return new Socket({ fd, readable: true, writable: false })
}

/** Hands on what a stream brings. */
export async function consume(stream: Socket, onChunk: (chunk: Buffer) => void): Promise<void> {
  for await (const chunk of stream) onChunk(chunk as Buffer)
}

/**
 * Waits for the end of a child and of its output; kills the tree when `signal` fires.
 * @throws WherryError `sandbox-failed` if the process was never reached, `cancelled`
 */
export async function finish(child: StartedChild, streams: Streams, signal: AbortSignal): Promise<ProcessResult> {
  let killed: Promise<void> | undefined
  const onAbort = (): void => {
    killed ??= killTree(child.pid)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    const end = await child.ended
    const report = (await streams.drained).trim()
    await killed
    if (signal.aborted) throw new WherryError('cancelled', 'cancelled', { cause: signal.reason })
    if (report !== readyWord) throw unreached(report, end)
    return { exitCode: exitCodeOf(end) }
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function unreached(report: string, { code, signal }: ChildEnd): WherryError {
  const said = report === '' ? (signal ?? `exit code ${code ?? '?'}`) : report
  return new WherryError('sandbox-failed', `the sandbox of the step could not be set up: ${said}`, {
    hint: '`wherry doctor` shows what this machine allows',
  })
}

/** As a shell has it. */
export function exitCodeOf({ code, signal }: ChildEnd): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal])
}

const goneStepMs = 2
const goneLimitMs = 2000

/**
 * Kills unshare(1), with which the first process of the pid namespace dies, and the kernel kills the rest. Resolves when that
 * first process is gone, and with it every mount that the run held.
 */
async function killTree(pid: number): Promise<void> {
  if (pid <= 0) return // Never started.
  const first = firstProcess(pid)
  kill(pid)
  if (first === undefined) return
  kill(first)
  for (let waited = 0; waited < goneLimitMs && isRunning(first); waited += goneStepMs) await delay(goneStepMs)
}

/** The child of unshare(1): /proc/PID/task/TID/children, proc(5). */
export function firstProcess(pid: number): number | undefined {
  try {
    const [first] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')
    return first ? Number(first) : undefined
  } catch {
    return undefined // Ended meanwhile, or a kernel without this file.
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error
  }
}

/** A zombie has let go of everything; who reaps it is none of our business. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}
