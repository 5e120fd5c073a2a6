/** Bodies of requests: bounded in size, one by one and together. */
import type { IncomingMessage } from 'node:http'

/** Largest body: GitHub sends nothing larger. docs.github.com, "Webhook payload cap". */
export const maxBody = 25 * 1024 * 1024
/** Bytes of all bodies that are being received. */
const maxTogether = 4 * maxBody

/** Why a body was not taken. */
export type BodyRefusal = 'too-large' | 'busy' | 'gone'

/** Receives bodies. */
export type ReceiveBody = (request: IncomingMessage) => Promise<Buffer | BodyRefusal>

/** Makes a receiver; all that use it share the bound. */
export function bodyReceiver(): ReceiveBody {
  let held = 0
  return async (request) => {
    const announced = Number(request.headers['content-length'] ?? 0)
    // Said before anything is read.
    if (!(announced <= maxBody)) return 'too-large'
    const chunks: Buffer[] = []
    let size = 0
    try {
      // The connection stays, for the answer.
      for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        size += chunk.length
        held += chunk.length
        if (size > maxBody) return 'too-large'
        if (held > maxTogether) return 'busy'
        chunks.push(chunk)
      }
      return Buffer.concat(chunks)
    } catch {
      // Cut by the client, or by us because it was too slow.
      return 'gone'
    } finally {
      held -= size
    }
  }
}
