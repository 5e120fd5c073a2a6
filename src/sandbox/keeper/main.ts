/**
 * Entry of the keeper: the process that starts steps in chroot mode, is the parent of all that they leave, and outlives the
 * sandbox's process just long enough to end them.
 *
 * It has the container's rights; what it starts has fewer, and can therefore neither trace it nor look into it (ptrace(2)).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, constants, ftruncateSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { errnoOf } from '../../core/errors.ts'
import { adoptOrphans, endDescendants, killDescendants } from '../../host/descendants.ts'
import { tryFlock } from '../../host/flock.ts'
import { setLimit } from '../../host/limits.ts'
import { boundChildren, disguised } from '../../host/privileges.ts'
import { closeDescriptorsOnExec } from '../../host/process.ts'
import { takeTerminal } from '../../host/terminal.ts'
import { type ChildEnd } from '../step.ts'
import { stepCapabilities } from './capabilities.ts'
import type { KeeperMessage, KeeperRequest, KeeperStart, KeeperStream } from './messages.ts'

const controlFd = 3
const sandboxPid = process.ppid

closeDescriptorsOnExec()
adoptOrphans()
boundChildren(stepCapabilities)
// Ctrl-C is for the step; the sandbox's process says when to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

const control = new Socket({ fd: controlFd, readable: true, writable: true })
control.on('error', () => undefined) // Its end is seen below.
const say = (message: KeeperMessage): void => void control.write(`${JSON.stringify(message)}\n`)

/** Of the last step, the files that must not stay. */
let wiped: readonly number[] = []
let underWay: Promise<void> | undefined

const lines = createInterface({ input: control })
lines.on('error', () => lines.close())
lines.on('line', (line) => {
  const request = JSON.parse(line) as KeeperRequest
  if (request.kind === 'start') underWay = carryOut(request)
  else void killDescendants()
})
lines.on('close', () => void leave())
say({ kind: 'ready' })

async function leave(): Promise<void> {
  await killDescendants()
  await underWay
  for (const fd of wiped) ftruncateSync(fd, 0)
  process.exit(0)
}

async function carryOut(request: KeeperStart): Promise<void> {
  for (const fd of wiped) closeSync(fd)
  wiped = []
  let lock: number | undefined
  let giveBack: (() => void) | undefined
  try {
    lock = openSync(request.lock, constants.O_RDWR | constants.O_CREAT, 0o600)
    tryFlock(lock, 'exclusive')
    wiped = request.wiped.map((path) => openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW))
    if (request.job) giveBack = takeTerminal(0)
    const end = await untilEnd(start(request))
    await endDescendants()
    say({ kind: 'ended', end })
  } catch (error) {
    await endDescendants()
    say(failure(error))
  } finally {
    giveBack?.()
    if (lock !== undefined) closeSync(lock)
  }
}

function start({ args: [program = '', ...args], ...request }: KeeperStart): ChildProcess {
  const opened: number[] = []
  const nothing = openSync('/dev/null', 'r+')
  opened.push(nothing)
  try {
    const stdio = request.streams.map((stream) => streamOf(stream, { nothing, opened }))
    for (const { name, ...limit } of request.limits) setLimit(name, limit)
    const { uid, env, detached } = request
    const user = uid === 0 ? {} : { uid }
    return disguised(request, () => spawn(program, args, { stdio, env, detached, ...user }))
  } finally {
    for (const fd of opened) closeSync(fd)
  }
}

function streamOf(stream: KeeperStream, { nothing, opened }: { nothing: number; opened: number[] }): number {
  if (stream === null) return nothing
  if ('own' in stream) return stream.own
  const fd = openSync(`/proc/${sandboxPid}/fd/${stream.open}`, 'w')
  opened.push(fd)
  return fd
}

/** Rejects if the program cannot be executed. */
function untilEnd(child: ChildProcess): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => say({ kind: 'started' }))
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
}

function failure(error: unknown): KeeperMessage {
  const { message, syscall = '' } = error as Error & { readonly syscall?: string }
  const at = syscall.startsWith('spawn') ? 'program' : 'preparation'
  return { kind: 'failed', at, code: errnoOf(error) ?? '', message }
}
