/** A process that runs a container lets others of its user work on it: calls over a Unix socket beside the container's record. */
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { type Socket, createServer } from 'node:net'
import { shortSocketPath } from '../host/socket-path.ts'
import { type ContainerCall, sharedCalls } from './container-calls.ts'
import { type Handler, serve } from './rpc.ts'

/** Only its user may connect. */
const socketUmask = 0o177

/**
 * Takes calls about the containers that `trees` has mounted.
 * @returns ends it; calls under way are cancelled
 */
export function offerContainers(
  path: string,
  call: (...args: Parameters<ContainerCall>) => Promise<unknown>,
): Promise<{ close(this: void): void }> {
  const handlers: Record<string, Handler> = Object.fromEntries(
    sharedCalls.map((name) => [
      name,
      (params: never, { signal }: Parameters<Handler>[1]) => call(name, params, { signal }),
    ]),
  )
  return offerCalls(path, handlers)
}

/** Takes calls at a socket, of this user alone. @returns ends it; calls under way are cancelled */
export async function offerCalls(
  path: string,
  handlers: Readonly<Record<string, Handler>>,
): Promise<{ close(this: void): void }> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => undefined).once('close', () => open.delete(socket))
    void serve(socket, socket, handlers)
  })
  rmSync(path, { force: true })
  const name = shortSocketPath(path)
  // Node deletes the socket by this name when it closes: until then the name must mean the same.
  server.once('close', name.close)
  const before = process.umask(socketUmask)
  try {
    server.listen(name.path)
    await once(server, 'listening')
  } finally {
    process.umask(before)
  }
  server.unref()
  return {
    close: () => {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}
