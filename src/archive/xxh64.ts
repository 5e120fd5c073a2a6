/** XXH64 in 32-bit halves, for the checksums of zstd frames: BigInt would be the slowest part of reading them. xxHash specification 0.1.1. */

/** A 64-bit number as two unsigned halves. */
type Halves = [high: number, low: number]

const p1: Halves = [0x9e3779b1, 0x85ebca87]
const p2: Halves = [0xc2b2ae3d, 0x27d4eb4f]
const p3: Halves = [0x165667b1, 0x9e3779f9]
const p4: Halves = [0x85ebca77, 0xc2b2ae63]
const p5: Halves = [0x27d4eb2f, 0x165667c5]

/** A running hash with seed 0. */
export interface Xxh64 {
  update(bytes: Uint8Array): void
  /** The low 32 bits of the hash, which is what zstd stores. */
  low32(): number
}

/** Starts a hash. */
export function xxh64(): Xxh64 {
  const lanes: [Halves, Halves, Halves, Halves] = [add(p1, p2), [...p2], [0, 0], negated(p1)]
  const rest = Buffer.alloc(32)
  let held = 0
  let total = 0
  const stripe = (bytes: Buffer, at: number): void => {
    for (let i = 0; i < 4; i++) {
      const word: Halves = [bytes.readUInt32LE(at + 8 * i + 4), bytes.readUInt32LE(at + 8 * i)]
      lanes[i] = round(lanes[i] ?? p1, word)
    }
  }
  const update = (chunk: Uint8Array): void => {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    total += bytes.length
    let at = 0
    if (held > 0) {
      at = Math.min(32 - held, bytes.length)
      bytes.copy(rest, held, 0, at)
      held += at
      if (held < 32) return
      stripe(rest, 0)
    }
    for (; at + 32 <= bytes.length; at += 32) stripe(bytes, at)
    held = bytes.copy(rest, 0, at)
  }
  return { update, low32: () => finish(total < 32 ? p5 : converge(lanes), rest.subarray(0, held), total)[1] }
}

function converge(lanes: readonly [Halves, Halves, Halves, Halves]): Halves {
  const [a, b, c, d] = lanes
  let hash = add(add(rotate(a, 1), rotate(b, 7)), add(rotate(c, 12), rotate(d, 18)))
  for (const lane of lanes) hash = add(multiply(xor(hash, round([0, 0], lane)), p1), p4)
  return hash
}

function finish(start: Halves, rest: Buffer, total: number): Halves {
  let hash = add(start, [Math.floor(total / 2 ** 32), total >>> 0])
  let at = 0
  for (; at + 8 <= rest.length; at += 8) {
    const word: Halves = [rest.readUInt32LE(at + 4), rest.readUInt32LE(at)]
    hash = add(multiply(rotate(xor(hash, round([0, 0], word)), 27), p1), p4)
  }
  for (; at + 4 <= rest.length; at += 4) {
    hash = add(multiply(rotate(xor(hash, multiply([0, rest.readUInt32LE(at)], p1)), 23), p2), p3)
  }
  for (; at < rest.length; at++) hash = multiply(rotate(xor(hash, multiply([0, rest[at] ?? 0], p5)), 11), p1)
  hash = multiply(xor(hash, [0, hash[0] >>> 1]), p2)
  hash = multiply(xor(hash, [hash[0] >>> 29, ((hash[1] >>> 29) | (hash[0] << 3)) >>> 0]), p3)
  return xor(hash, [0, hash[0]])
}

function round(lane: Halves, word: Halves): Halves {
  return multiply(rotate(add(lane, multiply(word, p2)), 31), p1)
}

function add(a: Halves, b: Halves): Halves {
  const low = a[1] + b[1]
  return [(a[0] + b[0] + (low > 0xffffffff ? 1 : 0)) >>> 0, low >>> 0]
}

function negated(a: Halves): Halves {
  return add([~a[0] >>> 0, ~a[1] >>> 0], [0, 1])
}

function xor(a: Halves, b: Halves): Halves {
  return [(a[0] ^ b[0]) >>> 0, (a[1] ^ b[1]) >>> 0]
}

/** Rotates left by 1 to 31 bits. */
function rotate([high, low]: Halves, by: number): Halves {
  return [((high << by) | (low >>> (32 - by))) >>> 0, ((low << by) | (high >>> (32 - by))) >>> 0]
}

function multiply(a: Halves, b: Halves): Halves {
  const a0 = a[1] & 0xffff
  const a1 = a[1] >>> 16
  const b0 = b[1] & 0xffff
  const b1 = b[1] >>> 16
  const low = a0 * b0
  const middle = a1 * b0 + (low >>> 16)
  const middle2 = a0 * b1 + (middle & 0xffff)
  // The middle products do not fit 32 bits, so their high halves are taken by division.
  const carry = a1 * b1 + Math.floor(middle / 65_536) + Math.floor(middle2 / 65_536)
  const high = (carry + Math.imul(a[1], b[0]) + Math.imul(a[0], b[1])) >>> 0
  return [high, (((middle2 & 0xffff) << 16) | (low & 0xffff)) >>> 0]
}
