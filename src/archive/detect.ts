/** Telling a compression by the first bytes. */

/** How bytes are compressed. */
export type CompressionKind = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2'

/** Bytes that `detectCompression` wants to see. */
const magicLength = 6

const magics: readonly (readonly [CompressionKind, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
]

/** The compression whose magic number the bytes start with; a zstd stream may start with a skippable frame too. */
export function detectCompression(head: Uint8Array): CompressionKind {
  const isSkippable = head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18 && ((head[0] ?? 0) & 0xf0) === 0x50
  if (isSkippable) return 'zstd'
  return magics.find(([, magic]) => magic.every((byte, i) => head[i] === byte))?.[0] ?? 'none'
}

/** Looks at the start of a stream: its compression, and the stream as it was. */
export async function sniffCompression(
  source: AsyncIterable<Uint8Array>,
): Promise<{ kind: CompressionKind; source: AsyncIterable<Uint8Array> }> {
  const chunks = source[Symbol.asyncIterator]()
  const head: Uint8Array[] = []
  let length = 0
  while (length < magicLength) {
    const next = await chunks.next()
    if (next.done) break
    head.push(next.value)
    length += next.value.length
  }
  return { kind: detectCompression(Buffer.concat(head)), source: rejoin(head, chunks) }
}

async function* rejoin(head: Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* head
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}
