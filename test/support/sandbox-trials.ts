/** Running processes in the sandbox as some user, from a test: see sandbox-runner.ts for what is run. */
import { readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import { programPath } from './need.ts'
import type { Job, Outcome, Step } from './sandbox-runner.ts'
import { type Trial, bundleWithThreads, folderOf, runNodeAs } from './users.ts'

/** What runs them. */
export interface SandboxTrials {
  /** The bundled program, to be run with Node. */
  runnerFile(this: void): Promise<string>
  /** Its argument. */
  jobOf(this: void, trial: Trial, steps: readonly Step[], options?: Partial<Job>): string
  /** Runs steps one after the other, or as the options say. @throws Error with all that was said if the runner fails */
  carryOut(this: void, trial: Trial, steps: readonly Step[], options?: Partial<Job>): Promise<Outcome>
  /** Removes everything. */
  close(this: void): Promise<void>
}

/** Nothing is made before it is needed. */
export function openSandboxTrials(): SandboxTrials {
  let runner: ReturnType<typeof bundleWithThreads> | undefined
  const folders: string[] = []
  const runnerFile = async (): Promise<string> => {
    runner ??= bundleWithThreads(join(import.meta.dirname, 'sandbox-runner.ts'))
    return (await runner).file
  }
  const jobOf: SandboxTrials['jobOf'] = (trial, steps, options = {}) => {
    const folder = folderOf(trial.user)
    folders.push(folder)
    const busybox = programPath('busybox') ?? ''
    return JSON.stringify({ isolation: trial.isolation, busybox, folder, steps, ...options } satisfies Job)
  }
  return {
    runnerFile,
    jobOf,
    carryOut: async (trial, steps, options) => {
      const { stdout, stderr } = await runNodeAs(trial.user, [await runnerFile(), jobOf(trial, steps, options)])
      if (stdout === '') throw new Error(stderr)
      return JSON.parse(stdout) as Outcome
    },
    close: async () => {
      ;(await runner)?.remove()
      for (const folder of folders) rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A step that is a shell script. */
export function shell(script: string, spec: Partial<Step['spec']> = {}): Step {
  return { spec: { args: ['sh', '-c', script], ...spec } }
}

/** Command lines on this machine that contain a text, those of Node (which has it in a job) left out. */
export function running(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => commandLine(pid))
    .filter((line) => line.includes(text) && !line.includes('script.js'))
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

/** Waits ten seconds at most. */
export async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) await delay(50)
  expect(condition()).toBe(true)
}
