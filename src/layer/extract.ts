/** Bytes out of compressed archives without unpacking them: ranges of the uncompressed stream, or the whole of it with a listing. */
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { decompress } from '../archive/decompress.ts'
import { sniffCompression } from '../archive/detect.ts'
import { WherryError } from '../core/errors.ts'

/** A part of an uncompressed stream: offset and length in bytes. */
export type Range = readonly [offset: number, length: number]

/** Which ranges to copy from a blob, in ascending order and not overlapping, and where to. */
export interface ExtractRequest {
  readonly blobPath: string
  readonly ranges: readonly Range[]
  /** A new file, which gets the ranges one after the other. */
  readonly spoolPath: string
}

/**
 * Copies ranges of a blob's uncompressed bytes to a plain file; stops reading behind the last one.
 * Returns the offset of each range in that file.
 * @throws WherryError `archive-invalid` if the stream ends before
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
    await copyRanges(decompress(whole, kind), request, out)
  } finally {
    closeSync(out)
    source.destroy()
  }
  return offsets
}

async function copyRanges(
  stream: AsyncIterable<Uint8Array>,
  { ranges, blobPath }: ExtractRequest,
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
    if (at === ranges.length) return
  }
  if (at < ranges.length)
    throw new WherryError('archive-invalid', `${blobPath} ends before byte ${ranges[at]![0] + ranges[at]![1]}`)
}
