/** Content-addressed blobs below `blobs/sha256` of the OCI layout. */
import { createHash } from 'node:crypto'
import { type FileHandle, open, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type Digest, digestFromHex, digestOf, hexOf } from '../core/digest.ts'
import { WherryError, errnoOf } from '../core/errors.ts'
import { ifStillThere } from '../core/if-there.ts'
import { publishFile } from '../host/durable.ts'
import type { BlobStore } from './contract.ts'
import { fileMode } from './formats.ts'
import { arrivalPath, receiveBlob } from './receive.ts'

/** Bytes read from disk at once: large enough that hashing, not reading, sets the pace. */
const readChunk = 1 << 20

type Expected = { readonly digest?: Digest; readonly size?: number } | undefined

/** What a blob store works with. */
export interface BlobStoreParts {
  /** The folder `blobs/sha256`. */
  readonly dir: string
  readonly tmpDir: string
  readonly tempPath: (label: string) => string
}

/** The blobs of a store. */
export function openBlobStore({ dir, tmpDir, tempPath }: BlobStoreParts): BlobStore {
  const pathOf = (digest: Digest): string => join(dir, hexOf(digest))

  const adopt: BlobStore['adopt'] = async (temp, { digest, size }) => {
    if (await refresh(pathOf(digest), size)) await rm(temp, { force: true })
    else await publishFile({ temp, path: pathOf(digest), mode: fileMode, size })
  }

  return {
    pathOf,
    adopt,
    sizeOf: (digest) => sizeOfFile(pathOf(digest)),
    read: (digest, start = 0) => Readable.from(readVerified(pathOf(digest), digest, start), { objectMode: false }),
    async receive(blob, openFrom) {
      if (await refresh(pathOf(blob.digest), blob.size)) return blob.size
      return await receiveBlob({ tmpDir, tempPath, adopt }, blob, openFrom)
    },
    arrivalPathOf: (digest) => arrivalPath(tmpDir, digest),
    remove: (digest) => rm(pathOf(digest), { force: true }),
    async write(source, expected) {
      if (Buffer.isBuffer(source)) return await writeBytes(source, expected)
      if (expected?.digest !== undefined && expected.size !== undefined) {
        if (await refresh(pathOf(expected.digest), expected.size)) {
          source.destroy()
          return { digest: expected.digest, size: expected.size }
        }
      }
      return await writeStream(source, expected)
    },
  }

  async function writeBytes(bytes: Buffer, expected: Expected): Promise<{ digest: Digest; size: number }> {
    const blob = { digest: digestOf(bytes), size: bytes.length }
    check(blob, expected)
    if (!(await refresh(pathOf(blob.digest), blob.size))) {
      await spool(tempPath('blob'), blob, (handle) => handle.writeFile(bytes))
    }
    return blob
  }

  async function writeStream(source: Readable, expected: Expected): Promise<{ digest: Digest; size: number }> {
    const hash = createHash('sha256')
    const blob = { digest: digestOf(''), size: 0 }
    await spool(tempPath('blob'), blob, async (handle) => {
      for await (const chunk of source as AsyncIterable<Buffer>) {
        hash.update(chunk)
        blob.size += chunk.length
        if (expected?.size !== undefined && blob.size > expected.size) break
        await handle.writeFile(chunk)
      }
      blob.digest = digestFromHex(hash.digest('hex'))
      check(blob, expected)
    })
    return blob
  }

  /** Fills a temp file and adopts it under what `blob` says by then; the temp file never stays. */
  async function spool(
    temp: string,
    blob: { readonly digest: Digest; readonly size: number },
    fill: (handle: FileHandle) => Promise<void>,
  ): Promise<void> {
    try {
      const handle = await open(temp, 'wx', fileMode)
      try {
        await fill(handle)
      } finally {
        await handle.close()
      }
      await adopt(temp, blob)
    } catch (error) {
      await rm(temp, { force: true })
      throw error
    }
  }
}

function check(blob: { readonly digest: Digest; readonly size: number }, expected: Expected): void {
  if (expected?.size !== undefined && blob.size !== expected.size) {
    const more = blob.size > expected.size ? 'more' : `${blob.size}`
    throw mismatch(`expected ${expected.size} bytes, got ${more}`)
  }
  if (expected?.digest !== undefined && blob.digest !== expected.digest) {
    throw mismatch(`expected ${expected.digest}, got ${blob.digest}`)
  }
}

function mismatch(what: string): WherryError {
  return new WherryError('digest-mismatch', `the data is not what its digest says: ${what}`, {
    hint: 'It was damaged or cut on its way; try again.',
  })
}

/** The size of a file, or undefined if there is none. */
async function sizeOfFile(path: string): Promise<number | undefined> {
  return (await ifStillThere(stat(path)))?.size
}

/** True if the blob is there. Its times are renewed: garbage collection spares what is younger than a running build. */
async function refresh(path: string, size: number): Promise<boolean> {
  if ((await sizeOfFile(path)) !== size) return false
  const now = new Date()
  try {
    await utimes(path, now, now)
    return true
  } catch (error) {
    // Gone a moment ago: to be written again. Another owner's file in a shared store: there, though not renewed.
    if (errnoOf(error) === 'ENOENT') return false
    if (errnoOf(error) === 'EPERM') return true
    throw error
  }
}

async function* readVerified(path: string, digest: Digest, start: number): AsyncGenerator<Buffer> {
  const handle = await openBlob(path, digest)
  try {
    const hash = start === 0 ? createHash('sha256') : undefined
    let position = start
    for (;;) {
      const buffer = Buffer.allocUnsafeSlow(readChunk)
      const { bytesRead } = await handle.read(buffer, 0, readChunk, position)
      if (bytesRead === 0) break
      position += bytesRead
      const chunk = buffer.subarray(0, bytesRead)
      hash?.update(chunk)
      yield chunk
    }
    if (hash && digestFromHex(hash.digest('hex')) !== digest) {
      throw new WherryError('digest-mismatch', `the blob ${digest} in the store is damaged`, {
        hint: `Delete ${path}; it will be made or fetched again.`,
      })
    }
  } finally {
    await handle.close()
  }
}

async function openBlob(path: string, digest: Digest): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    throw new WherryError('blob-missing', `the store has no blob ${digest}`, { cause: error })
  }
}
