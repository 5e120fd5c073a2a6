/**
 * Applies a layer's entries to a folder on disk. The folder is private to the caller, and no link in it is ever followed: what stands
 * where an entry needs a folder is replaced. Entries may come in any order.
 */
import { closeSync, constants, fchmodSync, fchownSync, linkSync, openSync, symlinkSync, writeSync } from 'node:fs'
import { maxNameLength } from '../archive/tar-meta.ts'
import { type BytePath, toBytes, toText } from '../core/bytepath.ts'
import { WherryError, errnoOf } from '../core/errors.ts'
import type { Entry } from '../oci/contents.ts'
import type { Applier, FileSink } from './contract.ts'
import { copyNode } from './copy-node.ts'
import { isWhiteout, lstatIfThere, onDisk, parentOf } from './disk.ts'
import type { HidingTree } from './hide.ts'
import { entryOnDisk, ownerFailure, setMetadata, setTime, setXattrs } from './metadata.ts'
import { makeNode } from './nodes.ts'

const createNew = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/** An applier to the tree that `hiding` holds; see `Applier` for what it promises. */
export function createApplier(hiding: HidingTree): Applier {
  return {
    entry(entry) {
      try {
        return applyEntry(hiding, entry)
      } catch (error) {
        throw applyFailure(entry.path, error)
      }
    },
    finish: () => hiding.tree.finish(),
  }
}

function applyEntry(hiding: HidingTree, entry: Entry): FileSink | undefined {
  const { tree } = hiding
  const { path, type } = entry
  // The kernel would say so too, but only after a folder was made for every part that fits.
  if (path.length > maxNameLength) throw tooLong(path)
  if (type === 'opaque') hiding.opaque(path)
  else if (path === '' && type !== 'dir')
    throw new WherryError('archive-invalid', `the layer replaces the root folder by a ${type}`)
  else if (type === 'whiteout') hiding.whiteout(path)
  else {
    if (path !== '') tree.ensureFolder(parentOf(path))
    hiding.bring(path)
    if (type === 'file') return applyFile(hiding, entry)
    if (type === 'dir') tree.putFolder(entry)
    else if (type === 'hardlink') applyHardLink(hiding, entry)
    else applyNode(hiding, entry)
  }
  return undefined
}

function applyFile({ tree }: HidingTree, entry: Entry): FileSink {
  const disk = onDisk(tree.root, entry.path)
  let fd = -1
  tree.put(entry.path, () => {
    fd = openSync(toBytes(disk), createNew, 0o600)
  })
  return {
    write(chunk) {
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at, chunk.length - at)
    },
    close() {
      try {
        // The kernel clears setuid bits and capabilities on chown and write: both come before them.
        if (tree.owners) fchownSync(fd, entry.uid, entry.gid)
        fchmodSync(fd, entry.mode)
      } catch (error) {
        throw applyFailure(entry.path, ownerFailure(disk, entry, error))
      } finally {
        closeSync(fd)
      }
      if (entry.xattrs !== undefined) setXattrs(disk, entry.xattrs)
      setTime(disk, entry.mtime)
    },
  }
}

function applyHardLink(hiding: HidingTree, entry: Entry): void {
  const { tree } = hiding
  const target = entry.link ?? ''
  if (target === entry.path) return
  const source = linkSource(hiding, target)
  if (source === undefined) {
    const what = `"${toText(entry.path)}" is a hard link to "${toText(target)}"`
    throw new WherryError('archive-invalid', `${what}, which is no file of this layer or of those below`)
  }
  tree.put(entry.path, () => linkSync(toBytes(source), toBytes(onDisk(tree.root, entry.path))))
}

/** Where the file at `path` is in the draft; a lower layer's is copied up first. Undefined if it is no file. */
function linkSource(hiding: HidingTree, path: BytePath): BytePath | undefined {
  const { tree } = hiding
  if (path === '' || tree.isObstructed(parentOf(path))) return undefined
  const disk = onDisk(tree.root, path)
  const stat = lstatIfThere(disk)
  if (stat !== undefined) return stat.isDirectory() || isWhiteout(stat) ? undefined : disk
  const found = hiding.below(path)
  const entry = found && !found.stat.isDirectory() ? entryOnDisk(path, found.disk, found.stat) : undefined
  if (found === undefined || entry === undefined) return undefined
  tree.ensureFolder(parentOf(path))
  copyNode(found.disk, disk, entry, tree.owners)
  return disk
}

/** A symlink, fifo or device. A device is left to the contents list. */
function applyNode(hiding: HidingTree, entry: Entry): void {
  const { tree } = hiding
  const disk = onDisk(tree.root, entry.path)
  const result = { made: true }
  tree.put(entry.path, () => {
    if (entry.type === 'symlink') symlinkSync(toBytes(entry.link ?? ''), toBytes(disk))
    else result.made = makeNode(disk, entry)
  })
  if (!result.made) {
    hiding.blank(entry.path)
    return
  }
  setMetadata(disk, entry, tree.owners)
  setTime(disk, entry.mtime)
}

/** What went wrong with one entry, for people. */
function applyFailure(path: BytePath, error: unknown): WherryError {
  if (error instanceof WherryError) return error
  const name = toText(path)
  const code = errnoOf(error)
  if (code === 'ENAMETOOLONG') return tooLong(path, error)
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new WherryError('io', `no space left for "${name}"`, {
      hint: 'Free space, or choose another --root.',
      cause: error,
    })
  return new WherryError('io', `cannot write "${name}" of the layer: ${code ?? String(error)}`, { cause: error })
}

function tooLong(path: BytePath, cause?: unknown): WherryError {
  const start = `${toText(path.slice(0, 200))}…`
  return new WherryError('archive-invalid', `the layer has a name that is too long: "${start}"`, { cause })
}
