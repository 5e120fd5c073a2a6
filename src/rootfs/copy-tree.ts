/** Copying a whole tree on disk with its metadata and hard links. */
import { linkSync, mkdirSync } from 'node:fs'
import { type BytePath, toBytes } from '../core/bytepath.ts'
import { copyNode } from './copy-node.ts'
import { lstatIfThere, namesIn, onDisk } from './disk.ts'
import { entryOnDisk, setMetadata, setTime } from './metadata.ts'

/** Makes the empty folder `to` a copy of the folder `from`. Sockets are left out. */
export function copyTree(from: BytePath, to: BytePath): void {
  const firstNames = new Map<bigint, BytePath>()

  function copyFolder(path: BytePath): void {
    for (const name of namesIn(onDisk(from, path))) copyOne(path === '' ? name : `${path}/${name}`)
    const source = onDisk(from, path)
    const stat = lstatIfThere(source)
    const entry = stat && entryOnDisk(path, source, stat)
    if (entry === undefined) return
    // After what it holds: making that changes its time.
    setMetadata(onDisk(to, path), entry, true)
    setTime(onDisk(to, path), entry.mtime)
  }
  function copyOne(path: BytePath): void {
    const source = onDisk(from, path)
    const target = onDisk(to, path)
    const stat = lstatIfThere(source)
    const entry = stat && entryOnDisk(path, source, stat)
    if (stat === undefined || entry === undefined) return
    if (entry.type === 'dir') {
      mkdirSync(toBytes(target), 0o700)
      copyFolder(path)
      return
    }
    const first = stat.nlink > 1n ? firstNames.get(stat.ino) : undefined
    if (first !== undefined) linkSync(toBytes(first), toBytes(target))
    else copyNode(source, target, entry, true)
    firstNames.set(stat.ino, first ?? target)
  }
  copyFolder('')
}

/** Copies a folder with all that it holds, or anything else, to the free path `to`. */
export function copyAny(from: BytePath, to: BytePath): void {
  const stat = lstatIfThere(from)
  if (stat?.isDirectory() === true) {
    mkdirSync(toBytes(to))
    copyTree(from, to)
    return
  }
  const entry = stat && entryOnDisk('', from, stat)
  if (entry !== undefined) copyNode(from, to, entry, true)
}
