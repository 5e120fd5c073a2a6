/** Files that survive a crash: the only place that knows about fsync and rename. See rename(2), fsync(2). */
import { constants } from 'node:fs'
import { type FileHandle, chmod, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { WherryError, errnoOf } from '../core/errors.ts'

/** A file to put in place whole: `data` goes to `temp`, which then takes the place of `path`. Both lie on one file system. */
export interface Replacement {
  readonly temp: string
  readonly path: string
  readonly data: string | Uint8Array
  /** Permission bits, whatever the umask. */
  readonly mode: number
}

/**
 * Replaces a file so that readers see the old or the new bytes, and a power cut leaves either.
 * The temp file is gone afterwards, also on failure.
 */
export async function replaceDurably(file: Replacement): Promise<void> {
  await writeAndRename(file, true)
  await syncDirectory(dirname(file.path))
}

/**
 * Replaces a file so that readers see the old or the new bytes, without waiting for the disk: a power cut may leave it torn or
 * empty. For records whose reader takes what it cannot parse for a miss.
 */
export async function replaceQuickly(file: Replacement): Promise<void> {
  await writeAndRename(file, false)
}

async function writeAndRename(file: Replacement, sync: boolean): Promise<void> {
  try {
    const handle = await open(file.temp, 'wx', file.mode)
    try {
      await handle.chmod(file.mode)
      await handle.writeFile(file.data)
      if (sync) await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(file.temp, file.path)
  } catch (error) {
    await rm(file.temp, { force: true })
    throw error
  }
}

/**
 * Makes a written temp file durable and moves it to `path`, owned by the caller (where the caller may do that) with `mode`.
 * The temp file may have been made by another id: root adopts files of the namespace's shifted root.
 * @throws WherryError `store-corrupt` if it is no regular file, or not `size` bytes long
 */
export async function publishFile(file: {
  readonly temp: string
  readonly path: string
  readonly mode: number
  readonly size?: number
}): Promise<void> {
  const handle = await open(file.temp, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    await checkTemp(handle, file)
    await takeOver(handle, file.mode)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(file.temp, file.path)
  await syncDirectory(dirname(file.path))
}

async function checkTemp(handle: FileHandle, file: { readonly temp: string; readonly size?: number }): Promise<void> {
  const stat = await handle.stat()
  if (!stat.isFile()) throw new WherryError('store-corrupt', `${file.temp} is not a regular file`)
  if (file.size !== undefined && stat.size !== file.size) {
    throw new WherryError('store-corrupt', `${file.temp} has ${stat.size} bytes, its maker said ${file.size}`)
  }
}

async function takeOver(handle: FileHandle, mode: number): Promise<void> {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0]
  const stat = await handle.stat()
  if (stat.uid !== uid || (uid === 0 && stat.gid !== gid)) {
    // Only a privileged caller can give files away; for others a readable file is good enough.
    if (uid === 0) await handle.chown(uid, gid)
    else if ((stat.mode & 0o444) === 0o444) return
  }
  if ((stat.mode & 0o7777) !== mode) await handle.chmod(mode)
}

interface DirectorySync {
  readonly running: Promise<void>
  next?: Promise<void>
}

const directorySyncs = new Map<string, DirectorySync>()

/** Makes the names in a directory durable. Calls that come while one is under way share the one after it. */
export function syncDirectory(path: string): Promise<void> {
  const current = directorySyncs.get(path)
  if (current) {
    // The one under way may have passed our rename already.
    current.next ??= current.running.catch(() => undefined).then(() => startSync(path))
    return current.next
  }
  return startSync(path)
}

function startSync(path: string): Promise<void> {
  const sync: DirectorySync = { running: syncNow(path) }
  directorySyncs.set(path, sync)
  const forget = (): void => {
    if (directorySyncs.get(path) === sync && sync.next === undefined) directorySyncs.delete(path)
  }
  sync.running.then(forget, forget)
  return sync.running
}

async function syncNow(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } catch (error) {
    // Some network and FUSE file systems have no fsync for directories; they order renames by themselves.
    if (!['EINVAL', 'ENOTSUP', 'ENOSYS'].includes(errnoOf(error) ?? '')) throw error
  } finally {
    await handle.close()
  }
}

/** Makes a directory with exactly these permission bits, and its missing parents with the default ones; an existing one is left alone. */
export async function ensureDirectory(path: string, mode: number): Promise<void> {
  let made = await makeOne(path, mode, 'ENOENT')
  if (made === undefined) {
    await ensureParent(path)
    made = await makeOne(path, mode)
  }
  if (made === 'made') await chmod(path, mode)
}

/** Not by mkdir's `recursive`, which in Node never ends below /proc: nothing can be made there, and ENOENT says so. */
async function ensureParent(path: string): Promise<void> {
  const parent = dirname(path)
  if ((await makeOne(parent, 0o777, 'ENOENT')) !== undefined) return
  await ensureParent(parent)
  await makeOne(parent, 0o777)
}

/** Undefined if it failed as the caller expects it to. */
async function makeOne(path: string, mode: number, expected?: string): Promise<'made' | 'there' | undefined> {
  try {
    await mkdir(path, { mode })
    return 'made'
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return 'there'
    if (errnoOf(error) === expected) return undefined
    throw error
  }
}
