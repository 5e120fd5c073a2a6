/** One build: a `wherry build` in a process of its own, which is killed with its group and ends when this process does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { BuildLog } from './log-file.ts'

/** A process to run. */
export interface BuildProcess {
  readonly command: readonly [program: string, ...args: string[]]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly log: BuildLog
  readonly signal: AbortSignal
}

/** How long a build may take to end when it is told to, in milliseconds. */
const graceMs = 10_000

/** Runs it to its end; the exit code, undefined if a signal ended it. */
export async function runBuild({ command, env, cwd, log, signal }: BuildProcess): Promise<number | undefined> {
  const [program, ...args] = command
  const child = spawn(program, args, {
    cwd,
    env: { ...env },
    // The channel carries nothing: it breaks when this process ends, however it ends, and the build ends with it.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Ctrl-C is for this process; the group is the build and all that it starts.
    detached: true,
  })
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => log.write(chunk))
  let timer: NodeJS.Timeout | undefined
  const onAbort = (): void => {
    child.kill('SIGTERM')
    timer = setTimeout(() => killGroup(child), graceMs)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    return code ?? undefined
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    killGroup(child)
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}
