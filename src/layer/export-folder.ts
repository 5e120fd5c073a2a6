/** A tree's entries written as ordinary files of the caller: no owners, no devices, never through a link of the target folder. */
import {
  chmodSync,
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { type BytePath, toBytes, toText } from '../core/bytepath.ts'
import { WherryError, errnoOf } from '../core/errors.ts'
import type { Entry } from '../oci/contents.ts'
import type { SealItem } from './contract.ts'

/** What to write, and into which folder (made if absent). */
export interface ExportRequest {
  readonly items: readonly SealItem[]
  readonly folder: BytePath
}

/**
 * Writes items, folders before what they hold. Existing files of the same name are replaced, others stay.
 * Returns how many entries were left out because only root could make them (devices).
 * @throws WherryError `io`
 */
export function exportFolder(request: ExportRequest): number {
  try {
    return writeItems(request)
  } catch (cause) {
    const code = errnoOf(cause)
    if (cause instanceof WherryError || code === undefined) throw cause
    throw new WherryError('io', `cannot write to ${toText(request.folder)}: ${String(cause)}`, { cause })
  }
}

function writeItems({ items, folder }: ExportRequest): number {
  mkdirSync(toBytes(folder), { recursive: true })
  const folders: Entry[] = []
  let left = 0
  for (const item of items) {
    const { entry } = item
    const path = entry.path === '' ? folder : `${folder}/${entry.path}`
    if (entry.type === 'char' || entry.type === 'block' || entry.type === 'fifo') left++
    else if (entry.type === 'dir') {
      makeFolder(path)
      folders.push(entry)
    } else if (entry.type === 'hardlink') linkEntry(path, `${folder}/${entry.link ?? ''}`)
    else writeEntry(path, item)
  }
  // Modes and times last, innermost first: a read-only folder would take no files.
  for (const entry of folders.reverse()) {
    const path = toBytes(entry.path === '' ? folder : `${folder}/${entry.path}`)
    chmodSync(path, entry.mode)
    setTimes(path, entry)
  }
  return left
}

function makeFolder(path: BytePath): void {
  const bytes = toBytes(path)
  try {
    if (lstatSync(bytes).isDirectory()) return chmodSync(bytes, 0o700)
    rmSync(bytes)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
  mkdirSync(bytes, { mode: 0o700 })
}

/** A further name of a file that was written before. */
function linkEntry(path: BytePath, target: BytePath): void {
  rmSync(toBytes(path), { recursive: true, force: true })
  linkSync(toBytes(target), toBytes(path))
}

function writeEntry(path: BytePath, { entry, source }: SealItem): void {
  const bytes = toBytes(path)
  // Removing first breaks links that others put there, hard and soft.
  rmSync(bytes, { recursive: true, force: true })
  if (entry.type === 'symlink') return symlinkSync(toBytes(entry.link ?? ''), bytes)
  const out = openSync(bytes, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
  try {
    if (source !== undefined) copyBytes(source, entry, out)
  } finally {
    closeSync(out)
  }
  chmodSync(bytes, entry.mode)
  setTimes(bytes, entry)
}

const buffer = Buffer.allocUnsafe(1 << 20)

function copyBytes(source: NonNullable<SealItem['source']>, entry: Entry, out: number): void {
  const fd = openSync(toBytes(source.path), 'r')
  try {
    let left = entry.size
    let at = source.offset
    while (left > 0) {
      const count = readSync(fd, buffer, 0, Math.min(left, buffer.length), at)
      if (count === 0) throw new WherryError('io', `${toText(entry.path)}: its bytes end too early`)
      writeSync(out, buffer, 0, count)
      left -= count
      at += count
    }
  } finally {
    closeSync(fd)
  }
}

function setTimes(path: Buffer, entry: Entry): void {
  const seconds = Number(entry.mtime) / 1e9
  utimesSync(path, seconds, seconds)
}
