/** A Unix socket whose connections go to another one. */
import { once } from 'node:events'
import { type Socket, createConnection, createServer } from 'node:net'
import { shortSocketPath } from '../../host/socket-path.ts'

/**
 * Listens at `path` and hands every connection on to the socket at `target`.
 * @returns how to end it and all its connections
 */
export async function relaySocket(target: string, path: string): Promise<{ close(this: void): void }> {
  const open = new Set<Socket>()
  const hold = (socket: Socket): void => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  }
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const end = shortSocketPath(target)
    const upstream = createConnection({ path: end.path, allowHalfOpen: true })
    upstream.once('connect', end.close).once('error', end.close)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      hold(from)
      from.pipe(to)
      // A side that breaks takes the other one with it.
      from.on('error', () => to.destroy())
    }
  })
  const end = shortSocketPath(path)
  // Node deletes the socket by this name when it closes: until then the name must mean the same.
  server.once('close', end.close)
  try {
    server.listen(end.path)
    await once(server, 'listening')
  } catch (error) {
    end.close()
    throw error
  }
  return {
    close: () => {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}
