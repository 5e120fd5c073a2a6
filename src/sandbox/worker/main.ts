/**
 * Entry of the sandbox's threads, for what a thread can do to itself only, and for good.
 *
 * Network: leaves for an empty network namespace and hands that over. Spawner: starts all processes, in the pid namespace
 * given; in single mode it first puts the filter on itself, which they inherit, while the rest of the inner process stays
 * without. Recorder: answers the calls that the filter stops; it needs a thread of its own because they wait for it.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { WherryError, errnoOf } from '../../core/errors.ts'
import { whenReadable } from '../../host/libc.ts'
import { bearChildrenIn, enterEmptyNetwork } from '../../host/process.ts'
import { answerNotification, installFilter, receiveNotification } from '../../host/seccomp.ts'
import { callNumbers, rootFilter } from '../filter.ts'
import { launch } from '../launch.ts'
import type {
  NetworkMessage,
  RecorderReply,
  RecorderRequest,
  Role,
  SpawnerMessage,
  SpawnerRequest,
} from './messages.ts'
import { createRecorder } from './recorder.ts'

const role = workerData as Role
if (role.kind === 'network') network()
else if (role.kind === 'spawner') spawner(role.emulate)
else recorder(role.listener)

function network(): void {
  const message: NetworkMessage = { fd: enterEmptyNetwork() }
  parentPort?.postMessage(message)
}

function spawner(emulate: boolean): void {
  const say = (message: SpawnerMessage): void => parentPort?.postMessage(message)
  parentPort?.on('message', (request: SpawnerRequest) => {
    if (request.kind === 'start') start(request, say)
    else {
      bearChildrenIn(request.fd)
      say({ kind: 'ready', listener: emulate ? installRootFilter() : undefined })
    }
  })
}

function start({ id, plan }: Extract<SpawnerRequest, { kind: 'start' }>, say: (message: SpawnerMessage) => void): void {
  try {
    const child = launch(plan, (stubs) => say({ kind: 'stubs', id, stubs }))
    child.once('error', ({ message }) => say({ kind: 'failed', id, failure: { message, known: false } }))
    child.once('exit', (code, signal) => say({ kind: 'ended', id, end: { code, signal } }))
    if (child.pid !== undefined) say({ kind: 'started', id, pid: child.pid })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const known = error instanceof WherryError
    say({ kind: 'failed', id, failure: { message, known, hint: known ? error.hint : undefined } })
  }
}

/** Without a listener (one is there already, in some containers) owners are lost, but programs work. */
function installRootFilter(): number | undefined {
  const calls = callNumbers()
  try {
    return installFilter(rootFilter(calls, true), true)
  } catch (error) {
    if (!['EBUSY', 'EINVAL'].includes(errnoOf(error) ?? '')) throw error
    installFilter(rootFilter(calls, false), false)
    return undefined
  }
}

function recorder(listener: number): void {
  const { watch, take, handle } = createRecorder(callNumbers())
  whenReadable(listener, () => {
    const notification = receiveNotification(listener)
    if (notification !== undefined) answerNotification(listener, notification.id, handle(notification))
  })
  parentPort?.on('message', (request: RecorderRequest) => {
    if (request.kind === 'watch') {
      watch(request.key, request.since)
      return
    }
    const owners = [...take(request.key)].map(([key, { uid, gid }]) => [key, uid, gid] as const)
    const reply: RecorderReply = { id: request.id, owners }
    parentPort?.postMessage(reply)
  })
}
