/** Writing an uncompressed tar to a file through one large buffer, hashing on the way: for worker threads. */
import { type Hash, createHash, hash } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { tarEnd, tarPadding } from '../archive/tar-write.ts'
import type { Digest } from '../core/digest.ts'

const bufferSize = 4 << 20

/** Fills a part of a buffer with the next bytes of a file's content, from `position` of that content on. Returns how many. */
export type FillBuffer = (buffer: Buffer, at: number, length: number, position: number) => number

/** A tar file that is being written. */
export interface TarFile {
  /** Bytes so far. */
  readonly offset: number
  /** Adds the blocks of a header. */
  add(blocks: Uint8Array): void
  /** Adds `size` bytes that `fill` gives, and the padding. Yields now and then; returns their hexadecimal sha256. */
  addContent(size: number, fill: FillBuffer): Generator<void, string>
  /** Adds the end of the archive and writes what is left. Returns the digest of the whole. */
  finish(): Digest
  close(): void
}

/** Starts the new file `path`. @throws the errors of `node:fs` */
export function createTarFile(path: string): TarFile {
  const fd = openSync(path, 'wx', 0o644)
  const whole = createHash('sha256')
  const buffer = Buffer.allocUnsafeSlow(bufferSize)
  let used = 0
  let flushed = 0

  function flush(): void {
    whole.update(buffer.subarray(0, used))
    for (let at = 0; at < used; ) at += writeSync(fd, buffer, at, used - at)
    flushed += used
    used = 0
  }
  function add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (used === bufferSize) flush()
      const count = Math.min(bytes.length - at, bufferSize - used)
      buffer.set(bytes.subarray(at, at + count), used)
      used += count
      at += count
    }
  }
  function pad(size: number): void {
    const count = tarPadding(size)
    if (used + count > bufferSize) flush()
    buffer.fill(0, used, used + count)
    used += count
  }
  function* addLarge(size: number, fill: FillBuffer): Generator<void, Hash> {
    const content = createHash('sha256')
    for (let done = 0; done < size; ) {
      if (used === bufferSize) {
        flush()
        yield
      }
      const count = fill(buffer, used, Math.min(size - done, bufferSize - used), done)
      content.update(buffer.subarray(used, used + count))
      used += count
      done += count
    }
    return content
  }
  return {
    get offset() {
      return flushed + used
    },
    add,
    *addContent(size, fill) {
      // A small file lies in the buffer in one piece: hashed at one go, which is several times cheaper.
      const isSmall = size <= bufferSize >> 2
      if (isSmall && used + size > bufferSize) flush()
      const from = used
      const digest = isSmall ? undefined : (yield* addLarge(size, fill)).digest('hex')
      if (isSmall) {
        for (let done = 0; done < size; ) done += fill(buffer, from + done, size - done, done)
        used += size
      }
      const sha256 = digest ?? hash('sha256', buffer.subarray(from, from + size))
      pad(size)
      return sha256
    },
    finish() {
      add(tarEnd)
      flush()
      return `sha256:${whole.digest('hex')}`
    },
    close: () => closeSync(fd),
  }
}
