/** Asking the process that runs a container; the other end of container-control.ts. */
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { WherryError, errnoOf } from '../core/errors.ts'
import { shortSocketPath } from '../host/socket-path.ts'
import { containerTrees } from './container-client.ts'
import type { ContainerTrees } from './container-contract.ts'
import { type Caller, createCaller } from './rpc.ts'

/** A connection to a process that has a container. */
export interface AskedContainers {
  readonly containers: ContainerTrees
  close(this: void): void
}

/** Connects to the process that offers a container at `path`; undefined if there is none. */
export async function askContainers(path: string): Promise<AskedContainers | undefined> {
  const asked = await askCalls(path, 'the container ended meanwhile')
  if (asked === undefined) return undefined
  const place = (): Promise<string> => Promise.reject(new WherryError('internal', 'another process knows that'))
  return {
    containers: containerTrees((call, params, options) => asked.caller.call(call, params, options), place),
    close: asked.close,
  }
}

/** Connects to a socket of `offerCalls`; undefined if nobody is there. `lost` says that its process has ended. */
export async function askCalls(
  path: string,
  lost: string,
): Promise<{ readonly caller: Caller; close(this: void): void } | undefined> {
  const name = shortSocketPath(path)
  const socket = createConnection(name.path)
  try {
    await once(socket, 'connect')
  } catch (error) {
    if (['ENOENT', 'ECONNREFUSED'].includes(errnoOf(error) ?? '')) return undefined
    throw error
  } finally {
    name.close()
  }
  socket.on('error', () => undefined)
  const caller = createCaller(socket, socket, () => new WherryError('container-in-use', lost, { hint: 'Try again.' }))
  return { caller, close: () => void socket.destroy() }
}
