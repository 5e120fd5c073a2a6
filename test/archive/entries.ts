/** Collects what a tar parser gives, and builds archives from headers and bytes. */
import { TarParser, type TarLimits } from '../../src/archive/tar-read.ts'
import { encodeTarHeader, tarEnd, tarPadding } from '../../src/archive/tar-write.ts'
import type { TarHeader } from '../../src/archive/tar-header.ts'

/** An entry with its bytes and where they were. */
export interface Collected {
  readonly header: TarHeader
  readonly body: Buffer
  readonly offset: number | undefined
}

/** A regular file's header with these changes. */
export function header(changes: Partial<TarHeader>): TarHeader {
  return { path: 'file', type: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0n, ...changes }
}

/** An archive of the entries. */
export function archiveOf(entries: readonly { readonly header: TarHeader; readonly body?: Buffer }[]): Buffer {
  const parts = entries.flatMap(({ header: h, body = Buffer.alloc(0) }) => [
    encodeTarHeader(h),
    body,
    Buffer.alloc(tarPadding(h.size)),
  ])
  return Buffer.concat([...parts, tarEnd])
}

/** Parses an archive given in chunks of `step` bytes. */
export function parse(archive: Buffer, step = archive.length, limits?: TarLimits): Collected[] {
  const out: Collected[] = []
  let current: { header: TarHeader; offset: number | undefined; chunks: Buffer[] } | undefined
  const parser = new TarParser(
    {
      entry: (h, offset) => (current = { header: h, offset, chunks: [] }),
      data: (chunk) => current?.chunks.push(Buffer.from(chunk)),
      entryEnd: () => {
        if (current === undefined) throw new Error('an end without an entry')
        out.push({ header: current.header, offset: current.offset, body: Buffer.concat(current.chunks) })
        current = undefined
      },
    },
    limits,
  )
  for (let at = 0; at < archive.length; at += step) parser.write(archive.subarray(at, at + step))
  parser.end()
  return out
}
