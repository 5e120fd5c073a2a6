/** Asking the process that runs a container; the other end of container-control.ts. */
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { WherryError, errnoOf } from '../core/errors.ts'
import { shortSocketPath } from '../host/socket-path.ts'
import { containerTrees } from './container-client.ts'
import type { ContainerTrees } from './container-contract.ts'
import { createCaller } from './rpc.ts'

/** A connection to a process that has a container. */
export interface AskedContainers {
  readonly containers: ContainerTrees
  close(this: void): void
}

/** Connects to the process that offers a container at `path`; undefined if there is none. */
export async function askContainers(path: string): Promise<AskedContainers | undefined> {
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
  const lost = (): Error => new WherryError('container-in-use', 'the container ended meanwhile', { hint: 'Try again.' })
  const caller = createCaller(socket, socket, lost)
  socket.on('error', () => undefined)
  const place = (): Promise<string> => Promise.reject(new WherryError('internal', 'another process knows that'))
  return {
    containers: containerTrees((call, params, options) => caller.call(call, params, options), place),
    close: () => void socket.destroy(),
  }
}
