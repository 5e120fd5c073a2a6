/** A way to a server that counts the bytes going through, whatever they are. */
import { once } from 'node:events'
import { type Socket, connect, createServer } from 'node:net'

/** Bytes since the last count. */
export interface Moved {
  /** From the client to the server. */
  readonly up: number
  readonly down: number
}

/** A running proxy. */
export interface CountingProxy {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  moved(): Moved
  stop(): Promise<void>
}

/** Starts a proxy before `address` (`HOST:PORT`). */
export async function countBytes(address: string): Promise<CountingProxy> {
  const [host = '', port = ''] = address.split(':')
  let [up, down] = [0, 0]
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(port), host)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        open.delete(from)
        to.destroy()
      })
    }
    client.on('data', (chunk: Buffer) => (up += chunk.length))
    upstream.on('data', (chunk: Buffer) => (down += chunk.length))
    client.pipe(upstream)
    upstream.pipe(client)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  return {
    address: `127.0.0.1:${bound.port}`,
    moved: () => {
      const moved = { up, down }
      ;[up, down] = [0, 0]
      return moved
    },
    stop: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
