/** Bytes out of compressed archives without unpacking them: ranges of the uncompressed stream, or the whole of it with a listing. */
import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { decompress } from '../archive/decompress.ts'
import { sniffCompression } from '../archive/detect.ts'
import type { Digest } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'

/** A part of an uncompressed stream: offset and length in bytes. */
export type Range = readonly [offset: number, length: number]

/** Which ranges to copy from a blob, in ascending order and not overlapping, and where to. */
export interface ExtractRequest {
  readonly blobPath: string
  readonly ranges: readonly Range[]
  /** A new file, which gets the ranges one after the other. */
  readonly spoolPath: string
  /** Where the ranges are from a list of somebody else's: the whole blob is read, and must be this layer. */
  readonly diffId?: Digest
}

/**
 * Copies ranges of a blob's uncompressed bytes to a plain file; without a diffID to check stops reading behind the last one.
 * Returns the offset of each range in that file.
 * @throws WherryError `archive-invalid` if the stream ends before, `digest-mismatch`
 */
export async function extractRanges(request: ExtractRequest): Promise<number[]> {
  const offsets: number[] = []
  let written = 0
  for (const [, length] of request.ranges) {
    offsets.push(written)
    written += length
  }
  const source = createReadStream(request.blobPath, { highWaterMark: 1 << 20 })
  const out = openSync(request.spoolPath, 'wx')
  try {
    const { kind, source: whole } = await sniffCompression(source)
    const plain = decompress(whole, kind)
    const { diffId } = request
    await copyRanges(diffId === undefined ? plain : checked(plain, diffId), request, out)
  } finally {
    closeSync(out)
    source.destroy()
  }
  return offsets
}

/** Passes bytes on. @throws WherryError `digest-mismatch` at the end if they are of another layer */
async function* checked(stream: AsyncIterable<Uint8Array>, diffId: Digest): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256')
  for await (const chunk of stream) {
    hash.update(chunk)
    yield chunk
  }
  if (`sha256:${hash.digest('hex')}` !== diffId)
    throw new WherryError('digest-mismatch', `the blob of layer ${diffId} is another layer`, {
      details: { layer: diffId },
    })
}

async function copyRanges(
  stream: AsyncIterable<Uint8Array>,
  { ranges, blobPath, diffId }: ExtractRequest,
  out: number,
): Promise<void> {
  let position = 0
  let at = 0
  for await (const chunk of stream) {
    const end = position + chunk.length
    while (at < ranges.length && ranges[at]![0] < end) {
      const [offset, length] = ranges[at]!
      const from = Math.max(offset, position)
      const to = Math.min(offset + length, end)
      if (to > from) writeSync(out, chunk, from - position, to - from)
      if (offset + length > end) break
      at++
    }
    position = end
    if (at === ranges.length && diffId === undefined) return
  }
  if (at < ranges.length)
    throw new WherryError('archive-invalid', `${blobPath} ends before byte ${ranges[at]![0] + ranges[at]![1]}`)
}
