/**
 * A program for the sandbox tests, bundled and run as some user. Called with a JSON job it starts itself in the namespace,
 * makes a root file system of a static busybox there, runs what the job says and prints the results as JSON.
 */
import {
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { choose, chosenMode } from '../../src/host/choose.ts'
import { controlFd, type Isolation, type Mode } from '../../src/host/contract.ts'
import { probeFacts } from '../../src/host/facts.ts'
import { prepareInner } from '../../src/host/inner.ts'
import { mountNew, unmount } from '../../src/host/mounts.ts'
import { enterNamespace, outerPidVariable } from '../../src/host/namespace.ts'
import type { ProcessSpec, Sandbox } from '../../src/sandbox/contract.ts'
import { createSandbox } from '../../src/sandbox/sandbox.ts'

/** One process to run; in its arguments `@runner@` is the pid of the process that runs it. */
export interface Step {
  readonly spec: Partial<Omit<ProcessSpec, 'stdio' | 'args'>> & { readonly args: readonly string[] }
  readonly abortAfterMs?: number
  readonly times?: number
}

/** What the program is called with. */
export interface Job {
  readonly isolation: Isolation
  readonly busybox: string
  readonly folder: string
  /** Also run on an overlay over the tree. */
  readonly overlay?: boolean
  /** Start from root of a namespace with a map of its own, as in a container. */
  readonly nested?: boolean
  /** All steps at once, each in an overlay of its own, if there can be one. */
  readonly parallel?: boolean
  /** Files of the host that the tree has too, at the same paths. */
  readonly programs?: readonly string[]
  /** Leave out the folders that a run needs. */
  readonly bare?: boolean
  readonly steps: readonly Step[]
}

/** How one ended. */
export interface StepOutcome {
  readonly exitCode?: number
  readonly owners?: Readonly<Record<string, { uid: number; gid: number }>>
  readonly error?: { readonly code: string; readonly message: string }
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
  readonly times: readonly number[]
}

/** What the program prints. */
export interface Outcome {
  readonly mode: Mode
  readonly steps: readonly StepOutcome[]
  /** What is left in the tree, sorted: path, type and octal mode. */
  readonly tree: readonly string[]
  /** Entries of the overlay's upper folder. */
  readonly upper: readonly string[]
  /** Modification times of the root and of etc, before and after, in nanoseconds. */
  readonly times: Readonly<Record<string, readonly [string, string]>>
  /** Identities as the recorder has them, by path. */
  readonly identities: Readonly<Record<string, string>>
  readonly mountsLeft: readonly string[]
  readonly processesLeft: readonly string[]
}

const appletNames = (
  'sh true id cat sleep env ls chown touch mkdir ps hostname ip kill stat chroot mknod grep echo find mount umount rm chmod ' +
  'readlink pwd setsid ln cp tr cut head wc mv mkfifo chgrp'
).split(' ')

const [, script = '', role, argument = '{}'] = process.argv
if (role === 'inner') await inner(JSON.parse(argument) as { job: Job; mode: Mode })
else if (role === 'container') await container(JSON.parse(argument) as Job)
else process.stdout.write(await outer(JSON.parse(role ?? '{}') as Job))

async function outer(job: Job): Promise<string> {
  const { nested = false, ...rest } = job
  const facts = await probeFacts()
  const mode = chosenMode(choose(facts, nested ? 'auto' : job.isolation))
  const inner = await enterNamespace(mode, {
    argv: nested ? [script, 'container', JSON.stringify(rest)] : [script, 'inner', JSON.stringify({ job })],
    env: process.env,
  })
  if (!nested) inner.control.write(`${JSON.stringify(mode)}\n`)
  const output = await text(inner.control)
  const end = await inner.exited
  if (output === '') throw new Error(`inner process: ${JSON.stringify(end)} ${inner.lastErrors()}`)
  return output
}

/** Stands for a container that has a few ids of its own: what is root there starts from that. */
async function container(job: Job): Promise<void> {
  prepareInner(Number(process.env[outerPidVariable]))
  const control = new Socket({ fd: controlFd, readable: true, writable: true })
  control.end(await outer(job), () => process.exit(0))
}

async function inner({ job }: { job: Job }): Promise<void> {
  prepareInner(Number(process.env[outerPidVariable]))
  const control = new Socket({ fd: controlFd, readable: true, writable: true })
  const mode = await new Promise<Mode>((resolve) => {
    control.once('data', (line: Buffer) => resolve(JSON.parse(line.toString()) as Mode))
  })
  const folder = mkdtempSync(join(job.folder, 'inner-'))
  const lower = join(folder, 'lower')
  makeTree(job, lower)
  const { root, upper } = job.overlay === true ? overlay(folder, lower) : { root: lower, upper: undefined }
  const times = job.bare === true ? [''] : ['', 'etc']
  const before = times.map((path) => mtime(join(root, path)))
  const sandbox = createSandbox({ mode })
  const steps =
    job.parallel === true
      ? await Promise.all(
          job.steps.map((step, i) =>
            mode.kind === 'chroot'
              ? runStep(sandbox, root, step)
              : inOwnOverlay(`${folder}/${i}`, lower, (own) => runStep(sandbox, own, step)),
          ),
        )
      : await inTurn(job.steps, (step) => runStep(sandbox, root, step))
  const outcome: Outcome = {
    mode,
    steps,
    tree: list(root),
    upper: upper === undefined ? [] : list(upper),
    times: Object.fromEntries(times.map((path, i) => [path, [before[i] ?? '', mtime(join(root, path))]])),
    identities: identities(root),
    mountsLeft: mountsBelow(root, job.overlay === true ? 1 : 0),
    processesLeft: await processesLeft(sandbox),
  }
  if (job.overlay === true) unmount(root)
  rmSync(folder, { recursive: true, force: true })
  control.end(JSON.stringify(outcome), () => process.exit(0))
}

function makeTree(job: Job, root: string): void {
  mkdirSync(join(root, 'bin'), { recursive: true })
  copyFileSync(job.busybox, join(root, 'bin/busybox'))
  for (const name of appletNames) linkSync(join(root, 'bin/busybox'), join(root, 'bin', name))
  for (const path of job.programs ?? []) {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    copyFileSync(path, join(root, path))
  }
  if (job.bare === true) return
  for (const name of ['proc', 'sys', 'dev', 'etc', 'root', 'home']) mkdirSync(join(root, name), { mode: 0o755 })
  mkdirSync(join(root, 'tmp'), { mode: 0o1777 })
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/home:/bin/sh\n', {
    mode: 0o644,
  })
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nweb:x:33:\nextra:x:44:\n', { mode: 0o644 })
}

function overlay(folder: string, lower: string): { root: string; upper: string } {
  const [upper, work, root] = ['upper', 'work', 'root'].map((name) => join(folder, name)) as [string, string, string]
  for (const path of [upper, work, root]) mkdirSync(path, { mode: 0o755 })
  mountNew('overlay', [['lowerdir+', lower], ['upperdir', upper], ['workdir', work], ['userxattr']], root)
  return { root, upper }
}

async function inOwnOverlay<T>(folder: string, lower: string, work: (root: string) => Promise<T>): Promise<T> {
  mkdirSync(folder)
  const { root } = overlay(folder, lower)
  try {
    return await work(root)
  } finally {
    unmount(root)
  }
}

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await work(item))
  return results
}

async function runStep(sandbox: ReturnType<typeof createSandbox>, root: string, step: Step): Promise<StepOutcome> {
  const output = { stdout: '', stderr: '' }
  const spec: ProcessSpec = {
    env: ['PATH=/bin'],
    cwd: '/',
    uid: 0,
    gid: 0,
    supplementaryGids: [],
    network: 'host',
    hostname: 'buildkitsandbox',
    extraHosts: [],
    ...step.spec,
    args: step.spec.args.map((arg) => arg.replaceAll('@runner@', String(process.pid))),
    stdio: { kind: 'pipes', onOutput: (stream, chunk) => (output[stream] += chunk.toString()) },
  }
  const abort = new AbortController()
  const timer = step.abortAfterMs === undefined ? undefined : setTimeout(() => abort.abort(), step.abortAfterMs)
  const times: number[] = []
  const start = performance.now()
  try {
    let result = await sandbox.run(root, spec, abort.signal)
    for (let i = 1; i < (step.times ?? 1); i++) {
      const from = performance.now()
      result = await sandbox.run(root, spec, abort.signal)
      times.push(performance.now() - from)
    }
    const owners = result.owners === undefined ? undefined : Object.fromEntries(result.owners)
    return { exitCode: result.exitCode, owners, ...output, ms: performance.now() - start, times }
  } catch (error) {
    const { code = '?', message = String(error) } = error as { code?: string; message?: string }
    return { error: { code, message }, ...output, ms: performance.now() - start, times }
  } finally {
    clearTimeout(timer)
  }
}

function mtime(path: string): string {
  return statSync(path, { bigint: true }).mtimeNs.toString()
}

function list(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !path.startsWith('bin/'))
    .sort()
}

function identities(root: string): Record<string, string> {
  return Object.fromEntries(
    list(root).map((path) => {
      const { ino, birthtimeNs } = lstatSync(join(root, path), { bigint: true, throwIfNoEntry: false }) ?? {
        ino: 0n,
        birthtimeNs: 0n,
      }
      return [path, `${ino}:${birthtimeNs}`]
    }),
  )
}

function mountsBelow(root: string, own: number): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return lines.filter((line) => line.split(' ')[4]?.startsWith(root)).slice(own)
}

/** What steps left, save the keeper of their pid namespace or of themselves; and what the sandbox left when it was closed. */
async function processesLeft(sandbox: Sandbox): Promise<string[]> {
  const ofSteps = childrenLeft().filter((line) => !/unshare --pid --fork -- \S*cat $|keeper\.js $/.test(line))
  await sandbox.close()
  return [...ofSteps, ...childrenLeft()]
}

/** Children that have not been reaped. */
function childrenLeft(): string[] {
  const pids = readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  )
  const lines = pids.map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '))
  return lines
}
