/**
 * Entry of the sandbox's threads, for what a thread can do to itself only, and for good.
 *
 * Network: leaves for an empty network namespace and hands that over. Spawner: starts all processes, in the pid namespace
 * given, after it has put the filter on itself, which they inherit, while the rest of the inner process stays without. Recorder: answers the calls that the filter stops; it needs a thread of its own because they wait for it.
 */
import { closeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { WherryError, errnoOf } from '../../core/errors.ts'
import { whenReadable } from '../../host/libc.ts'
import { bearChildrenIn, enterEmptyNetwork } from '../../host/process.ts'
import { installFilter, openListener } from '../../host/seccomp.ts'
import { callNumbers } from '../calls.ts'
import { type Emulation, rootFilter } from '../filter.ts'
import { launch } from '../launch.ts'
import type {
  NetworkMessage,
  RecorderReply,
  RecorderRequest,
  Role,
  SpawnerMessage,
  SpawnerRequest,
} from './messages.ts'
import { createCredentialBook, realCredentials } from './credential-book.ts'
import { createRecorder } from './recorder.ts'

const role = workerData as Role
if (role.kind === 'network') network()
else if (role.kind === 'spawner') spawner(role.emulation)
else recorder(role)

function network(): void {
  const message: NetworkMessage = { fd: enterEmptyNetwork() }
  parentPort?.postMessage(message)
}

function spawner(emulation: Emulation): void {
  const say = (message: SpawnerMessage): void => parentPort?.postMessage(message)
  parentPort?.on('message', (request: SpawnerRequest) => {
    if (request.kind === 'start') start(request, say)
    else {
      bearChildrenIn(request.fd)
      say({ kind: 'ready', listener: installRootFilter(emulation) })
    }
  })
}

function start({ id, plan }: Extract<SpawnerRequest, { kind: 'start' }>, say: (message: SpawnerMessage) => void): void {
  try {
    const { child, terminal } = launch(plan, (stubs) => say({ kind: 'stubs', id, stubs }))
    child.once('error', ({ message }) => say({ kind: 'failed', id, failure: { message, known: false } }))
    child.once('exit', (code, signal) => say({ kind: 'ended', id, end: { code, signal } }))
    if (child.pid !== undefined)
      say({ kind: 'started', id, pid: child.pid, ...(terminal !== undefined && { terminal }) })
    else if (terminal !== undefined) closeSync(terminal)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const known = error instanceof WherryError
    say({ kind: 'failed', id, failure: { message, known, hint: known ? error.hint : undefined } })
  }
}

/** Without a listener (one is there already, in some containers) owners are lost and devices are not made, but programs work. */
function installRootFilter(emulation: Emulation): number | undefined {
  try {
    return installFilter(rootFilter(callNumbers(), emulation), true)
  } catch (error) {
    // Real ids do without: then there are no devices.
    if (emulation !== 'root') return undefined
    if (!['EBUSY', 'EINVAL'].includes(errnoOf(error) ?? '')) throw error
    installFilter(rootFilter(callNumbers(), 'deaf'), false)
    return undefined
  }
}

/** A call is mostly followed by another one soon: waiting for that here is faster than the event loop is. In milliseconds. */
const patience = { idle: 3, longest: 15 } as const

function recorder({ listener, emulation }: Extract<Role, { kind: 'recorder' }>): void {
  const credentials = emulation === 'devices' ? realCredentials : createCredentialBook()
  const { watch, take, look, serve } = createRecorder(callNumbers(), openListener(listener), credentials)
  const answerTo = (request: RecorderRequest): RecorderReply['owners'] => {
    if (request.kind === 'watch') watch(request.id, request.run)
    return request.kind === 'watch' ? [] : request.kind === 'take' ? take(request.id) : look(request.id)
  }
  whenReadable(listener, () => serve(patience.idle, patience.longest))
  parentPort?.on('message', (request: RecorderRequest) => {
    const reply: RecorderReply = { id: request.id, owners: answerTo(request) }
    parentPort?.postMessage(reply)
  })
}
