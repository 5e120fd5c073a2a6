/** The keeper as the sandbox has it: started when first needed, and anew when it is no more. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { WherryError } from '../../core/errors.ts'
import { bundledFile } from '../../host/bundle.ts'
import { endDescendants } from '../../host/descendants.ts'
import type { KeeperMessage, KeeperRequest, KeeperStart } from '../keeper/messages.ts'

/** How a step that was asked for ended. */
export type StepEnd =
  | Extract<KeeperMessage, { kind: 'ended' | 'failed' }>
  /** The keeper was killed, and all that was left of the step. */
  | { readonly kind: 'lost' }

/** Starts one step after the other. */
export interface Keeper {
  /**
   * Resolves when nothing of the step runs any more.
   * @param started is called when its process runs, or never will
   */
  run(this: void, step: Omit<KeeperStart, 'kind'>, started: () => void, signal: AbortSignal): Promise<StepEnd>
  close(this: void): Promise<void>
}

/** Nothing is started before the first step, or `warm`. */
export function createKeeper(): Keeper & { warm(this: void): void } {
  let current: Promise<Running> | undefined
  const ensure = (): Promise<Running> => (current ??= startKeeper())
  const drop = async (running: Running): Promise<void> => {
    current = undefined
    await running.end()
  }
  return {
    warm: () => void ensure().catch(() => undefined),
    run: async (step, started, signal) => {
      const running = await ensure()
      const result = await running.carryOut(step, started, signal)
      // Its limits cannot be raised again.
      if (result.kind === 'lost' || step.limits.length > 0) await drop(running)
      return result
    },
    close: async () => {
      const running = await current?.catch(() => undefined)
      if (running !== undefined) await drop(running)
    },
  }
}

interface Running {
  carryOut(step: Omit<KeeperStart, 'kind'>, started: () => void, signal: AbortSignal): Promise<StepEnd>
  end(): Promise<void>
}

async function startKeeper(): Promise<Running> {
  const child = spawn(process.execPath, [bundledFile('keeper.js')], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: {},
    cwd: '/',
  })
  const control = child.stdio[3] as Duplex
  control.on('error', () => undefined) // Its end is seen by that of the process.
  let lose: () => void = () => undefined
  const gone = once(child, 'exit').then(() => lose())
  let listen: (message: KeeperMessage) => void = () => undefined
  const ready = new Promise<void>((resolve) => (listen = () => resolve()))
  createInterface({ input: control })
    .on('line', (line) => listen(JSON.parse(line) as KeeperMessage))
    .on('error', () => undefined)
  const failed = gone.then(() => {
    throw new WherryError('sandbox-failed', 'the process that starts steps could not be started')
  })
  await Promise.race([ready, failed])
  failed.catch(() => undefined)
  const say = (request: KeeperRequest): void => void control.write(`${JSON.stringify(request)}\n`)
  return {
    carryOut: async (step, started, signal) => {
      const kill = (): void => say({ kind: 'kill' })
      const answered = new Promise<StepEnd>((resolve) => {
        listen = (message) => {
          if (message.kind !== 'ready') started()
          if (message.kind === 'ended' || message.kind === 'failed') resolve(message)
        }
        // Whoever kills the keeper does not free the step: its processes become this one's.
        lose = () => void endDescendants().then(() => resolve({ kind: 'lost' }))
      })
      signal.addEventListener('abort', kill, { once: true })
      say({ kind: 'start', ...step })
      if (signal.aborted) kill()
      try {
        return await answered
      } finally {
        lose = () => undefined
        signal.removeEventListener('abort', kill)
        started()
      }
    },
    end: () => end(child, gone, control),
  }
}

const endLimitMs = 2000

async function end(child: ChildProcess, gone: Promise<unknown>, control: Duplex): Promise<void> {
  control.end()
  await Promise.race([gone, delay(endLimitMs, undefined, { ref: false }).then(() => child.kill('SIGKILL'))])
}
