/** What steps may ask of an ssh agent: to list keys and to sign, as in BuildKit; nothing that changes the agent. */
import { Transform } from 'node:stream'

/** SSH_AGENTC_REQUEST_IDENTITIES and SSH_AGENTC_SIGN_REQUEST (draft-miller-ssh-agent, 5.1). */
const allowed: readonly number[] = [11, 13]

/** A whole request of a type for private use, to which agents answer that they cannot do it: answers stay in order. */
const refused = Buffer.from([0, 0, 0, 1, 255])

/** Length and type. One of length 0 has no type, which no agent takes. */
const headerLength = (header: Buffer): number => (header.length < 4 || header.readUInt32BE(0) === 0 ? 4 : 5)

/** Passes on what is allowed and puts a request that fails in the place of all else. A request is its length (4 bytes), type and data. */
export function allowedRequests(): Transform {
  let header = Buffer.alloc(0)
  /** Bytes of the request under way that are still to come, and whether they are passed on. */
  let left = 0
  let passing = false

  function* parts(chunk: Buffer): Generator<Buffer> {
    for (let at = 0; at < chunk.length; ) {
      if (left > 0) {
        const data = chunk.subarray(at, at + left)
        at += data.length
        left -= data.length
        if (passing) yield data
        continue
      }
      const more = chunk.subarray(at, at + headerLength(header) - header.length)
      at += more.length
      header = Buffer.concat([header, more])
      if (header.length < headerLength(header)) continue
      left = Math.max(0, header.readUInt32BE(0) - 1)
      passing = header.length === 5 && allowed.includes(header.readUInt8(4))
      yield passing ? header : refused
      header = Buffer.alloc(0)
    }
  }

  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (const part of parts(chunk)) this.push(part)
      done()
    },
  })
}
