/**
 * Blobs on their way in: what has come is kept beside the store's temp files under the blob's own name, so that a later call, also
 * of another process, goes on where a cut one ended. Files that nobody has touched for a day are swept with the temp files.
 */
import { type Hash, createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestFromHex, hexOf } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import { ifStillThere } from '../core/if-there.ts'
import { tryFlock } from '../host/flock.ts'
import type { BlobStore, OpenFrom } from './contract.ts'
import { fileMode } from './formats.ts'

/** Bytes read from disk at once. */
const readChunk = 1 << 20
/** Less than this is fetched again as quickly as it is gone on with, in bytes. */
const worthKeeping = 1 << 20
const arrivalPrefix = 'arriving-'

/** What receiving needs of a store. */
export interface ReceiveParts {
  readonly tmpDir: string
  readonly tempPath: (label: string) => string
  readonly adopt: BlobStore['adopt']
}

interface Wanted {
  readonly digest: Digest
  readonly size: number
}

/** A file that grows, and what is known of its bytes. */
interface Growing {
  readonly path: string
  readonly handle: FileHandle
  /** Bytes in the file, all of which are in the hash. */
  size: number
  hash: Hash
}

/** Where a blob's bytes gather. Nobody may have begun yet. */
export function arrivalPath(tmpDir: string, digest: Digest): string {
  return join(tmpDir, `${arrivalPrefix}${hexOf(digest)}`)
}

/**
 * Receives a blob that is absent. The file stays if the bytes stop coming, and goes if they are wrong.
 * @returns bytes that were there already
 * @throws WherryError `digest-mismatch`; what `openFrom` and its stream throw
 */
export async function receiveBlob(parts: ReceiveParts, wanted: Wanted, openFrom: OpenFrom): Promise<number> {
  const path = arrivalPath(parts.tmpDir, wanted.digest)
  const claimed = await claim(path)
  const growing = claimed ?? (await openOwn(parts.tempPath('blob')))
  // Removed only while it is locked and not yet published: after that, what lies at its path may be another's.
  let isKept = false
  try {
    const start = await takeStock(growing, wanted)
    try {
      await fill(growing, wanted, openFrom)
    } catch (error) {
      isKept = claimed !== undefined && growing.size >= worthKeeping && !isMismatch(error)
      throw error
    }
    await parts.adopt(growing.path, wanted)
    isKept = true
    return start
  } finally {
    if (!isKept) await rm(growing.path, { force: true })
    await growing.handle.close()
  }
}

/** The file under the blob's name, locked; undefined while another one has it, or where the file system knows no locks. */
async function claim(path: string): Promise<Growing | undefined> {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, fileMode)
  if (isLocked(handle) && (await isStillAt(handle, path))) {
    // Whatever the umask: the inner process reads along, which may have another id.
    await handle.chmod(fileMode)
    return { path, handle, size: 0, hash: createHash('sha256') }
  }
  await handle.close()
  return undefined
}

function isLocked(handle: FileHandle): boolean {
  try {
    return tryFlock(handle.fd, 'exclusive')
  } catch {
    // ENOLCK, ENOSYS: a private file does as well.
    return false
  }
}

/** Who held it before may have published or removed it between our opening and our lock. */
async function isStillAt(handle: FileHandle, path: string): Promise<boolean> {
  const [mine, there] = [await handle.stat(), await ifStillThere(stat(path))]
  return there?.ino === mine.ino && there.dev === mine.dev
}

async function openOwn(path: string): Promise<Growing> {
  return { path, handle: await open(path, 'wx+', fileMode), size: 0, hash: createHash('sha256') }
}

/** Reads what is there into the hash; all of it goes if it cannot be the blob's. How much there is. */
async function takeStock(growing: Growing, wanted: Wanted): Promise<number> {
  const { size } = await growing.handle.stat()
  if (size <= wanted.size) {
    const buffer = Buffer.allocUnsafeSlow(readChunk)
    while (growing.size < size) {
      const { bytesRead } = await growing.handle.read(buffer, 0, readChunk, growing.size)
      if (bytesRead === 0) break
      growing.hash.update(buffer.subarray(0, bytesRead))
      growing.size += bytesRead
    }
  }
  const isUsable = size < wanted.size || (size === wanted.size && digestSoFar(growing) === wanted.digest)
  if (size > 0 && !isUsable) await empty(growing)
  return growing.size
}

async function empty(growing: Growing): Promise<void> {
  await growing.handle.truncate(0)
  growing.size = 0
  growing.hash = createHash('sha256')
}

/** Brings the rest. What an earlier call left may have been torn by a power cut: then all is asked for once more. */
async function fill(growing: Growing, wanted: Wanted, openFrom: OpenFrom): Promise<void> {
  const start = growing.size
  if (start < wanted.size || wanted.size === 0) await append(growing, wanted, openFrom)
  if (isWhole(growing, wanted)) return
  if (start === 0) throw mismatch(growing, wanted)
  await empty(growing)
  await append(growing, wanted, openFrom)
  if (!isWhole(growing, wanted)) throw mismatch(growing, wanted)
}

async function append(growing: Growing, wanted: Wanted, openFrom: OpenFrom): Promise<void> {
  for await (const chunk of (await openFrom(growing.size)) as AsyncIterable<Buffer>) {
    if (growing.size + chunk.length > wanted.size) throw mismatch(growing, wanted, 'more')
    await writeAll(growing.handle, chunk, growing.size)
    growing.hash.update(chunk)
    growing.size += chunk.length
  }
}

async function writeAll(handle: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, at, chunk.length - at, position + at)
    at += bytesWritten
  }
}

function isWhole(growing: Growing, { digest, size }: Wanted): boolean {
  return growing.size === size && digestSoFar(growing) === digest
}

function digestSoFar({ hash }: Growing): Digest {
  return digestFromHex(hash.copy().digest('hex'))
}

function isMismatch(error: unknown): boolean {
  return error instanceof WherryError && error.code === 'digest-mismatch'
}

function mismatch(growing: Growing, { digest, size }: Wanted, more?: 'more'): WherryError {
  const what =
    more === undefined && growing.size === size
      ? `expected ${digest}, got ${digestSoFar(growing)}`
      : `expected ${size} bytes, got ${more ?? growing.size}`
  return new WherryError('digest-mismatch', `the data is not what its digest says: ${what}`, {
    hint: 'It was damaged or cut on its way; try again.',
  })
}

/** Deletes what came of blobs that nobody receives at the moment and was last touched before a time in milliseconds; its bytes. */
export async function dropArrivals(
  tmpDir: string,
  { usedBefore, dryRun }: { readonly usedBefore: number; readonly dryRun: boolean },
): Promise<number> {
  const names = (await readdir(tmpDir)).filter((name) => name.startsWith(arrivalPrefix))
  const sizes = await Promise.all(
    names.map(async (name) => {
      const path = join(tmpDir, name)
      const found = await ifStillThere(stat(path))
      if (found === undefined || found.mtimeMs >= usedBefore) return 0
      const claimed = await claim(path)
      // Removed while it is locked: see `receiveBlob`.
      if (claimed !== undefined && !dryRun) await rm(path, { force: true })
      await claimed?.handle.close()
      return claimed === undefined ? 0 : found.size
    }),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
