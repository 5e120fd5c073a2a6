/** A way to a server that counts the bytes going through, whatever they are. */
import { once } from 'node:events'
import { type Socket, connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

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
  /** As `moved`, without beginning anew. */
  soFar(): Moved
  stop(): Promise<void>
}

/** Starts a proxy before `address` (`HOST:PORT`); in each direction all connections together get `rate` bytes a second, if given. */
export async function countBytes(address: string, rate?: number): Promise<CountingProxy> {
  const [host = '', port = ''] = address.split(':')
  let [up, down] = [0, 0]
  const open = new Set<Socket>()
  const lineOf = (): Line => ({ rate: rate ?? Infinity, freeAt: performance.now() })
  const [uplink, downlink] = [lineOf(), lineOf()]
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
        // What is passed slowly has its end later.
        if (rate === undefined || from === client) to.destroy()
      })
    }
    client.on('data', (chunk: Buffer) => (up += chunk.length))
    upstream.on('data', (chunk: Buffer) => (down += chunk.length))
    if (rate === undefined) {
      client.pipe(upstream)
      upstream.pipe(client)
      return
    }
    void passSlowly(client, upstream, uplink).catch(() => upstream.destroy())
    void passSlowly(upstream, client, downlink).catch(() => client.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  return {
    address: `127.0.0.1:${bound.port}`,
    soFar: () => ({ up, down }),
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

/** What all connections share. */
interface Line {
  readonly rate: number
  /** When what was taken so far has passed, in milliseconds. */
  freeAt: number
}

async function passSlowly(from: Socket, to: Socket, line: Line): Promise<void> {
  for await (const chunk of from as AsyncIterable<Buffer>) {
    line.freeAt = Math.max(line.freeAt, performance.now()) + (chunk.length / line.rate) * 1000
    await delay(line.freeAt - performance.now())
    to.write(chunk)
  }
  to.end()
}
