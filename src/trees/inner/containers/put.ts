/** Files into a container: written as a layer is, so that no link in it is followed on the way. */
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { type BytePath, fromText, toBytes, toText } from '../../../core/bytepath.ts'
import { WherryError } from '../../../core/errors.ts'
import { throwIfCancelled } from '../../../core/scope.ts'
import { unpackLayer } from '../../../layer/unpack.ts'
import type { Entry } from '../../../oci/contents.ts'
import { createApplier } from '../../../rootfs/apply.ts'
import type { Applier, Change, FileSink } from '../../../rootfs/contract.ts'
import { identityOf } from '../../../rootfs/changes.ts'
import { lstatIfThere, onDisk } from '../../../rootfs/disk.ts'
import { plainTree } from '../../../rootfs/hide.ts'
import { entryOnDisk } from '../../../rootfs/metadata.ts'
import { linksOnDisk, resolvePath } from '../../../rootfs/paths.ts'
import type { PutTree } from '../../container-contract.ts'
import type { RecordedOwner } from '../../../sandbox/contract.ts'
import type { Inner } from '../state.ts'
import { type OpenContainer, saveOwners } from './open.ts'
import { treeBelow } from './seal.ts'

/** Serves `ContainerTrees.put`. @throws WherryError `copy-failed` */
export async function putTree(
  inner: Inner,
  container: OpenContainer,
  { request, signal }: { readonly request: PutTree; readonly signal: AbortSignal },
): Promise<void> {
  const base = fromText(container.root)
  const folder = resolvePath(fromText(request.folder), linksOnDisk(base), 'follow')
  if (lstatIfThere(onDisk(base, folder))?.isDirectory() !== true)
    throw new WherryError('copy-failed', `the container has no folder ${request.folder}`)
  const isSingle = inner.mode.kind === 'single'
  const owned = new Map<BytePath, RecordedOwner>()
  const inFolder = (path: BytePath): BytePath => [folder, path].filter((part) => part !== '').join('/')
  const applier = createApplier(plainTree(base, !isSingle))
  const put = (entry: Entry): FileSink | undefined => {
    if (entry.path === '') return undefined
    const { uid, gid } = request.keepOwners ? entry : { uid: 0, gid: 0 }
    const path = inFolder(entry.path)
    if (isSingle && (uid !== 0 || gid !== 0)) owned.set(path, { uid, gid })
    // A folder that is there already is what it was.
    if (entry.type === 'dir' && lstatIfThere(onDisk(base, path))?.isDirectory() === true) return undefined
    const link = entry.type === 'hardlink' ? { link: inFolder(entry.link ?? '') } : {}
    return applier.entry({ ...entry, ...link, path, uid, gid })
  }
  const { source } = request
  if ('tarPath' in source) {
    const placing: Applier = { entry: put, finish: () => applier.finish() }
    await unpackLayer({ blobPath: source.tarPath, applier: placing }, signal)
  } else {
    copyFrom(source, put, signal)
    applier.finish()
  }
  saveOwners(container, ownersAt(base, owned))
}

function copyFrom(
  source: { readonly path: string; readonly name: string },
  put: (entry: Entry) => FileSink | undefined,
  signal: AbortSignal,
): void {
  for (const { entry, source: file } of changesAt(fromText(source.path), fromText(source.name))) {
    throwIfCancelled({ signal })
    const sink = put(entry)
    if (sink === undefined || file === undefined) continue
    try {
      readInto(file, sink)
    } finally {
      sink.close()
    }
  }
}

/** What lies at a path of this machine, as entries of a tree. */
function changesAt(disk: BytePath, name: BytePath): Change[] {
  const stat = lstatIfThere(disk)
  if (stat?.isDirectory() === true)
    return treeBelow(disk).map((change) => {
      const inside = (path: BytePath): BytePath => [name, path].filter((part) => part !== '').join('/')
      const { entry } = change
      const link = entry.type === 'hardlink' ? { link: inside(entry.link ?? '') } : {}
      return { ...change, entry: { ...entry, path: inside(entry.path), ...link } }
    })
  const entry = stat && entryOnDisk(name, disk, stat)
  if (stat === undefined || entry === undefined)
    throw new WherryError('copy-failed', `"${toText(disk)}" cannot be copied`, { hint: 'Is it there, and no socket?' })
  return [{ entry, source: disk, identity: identityOf(stat), fresh: true }]
}

const pieceBytes = 1 << 20

function readInto(file: BytePath, sink: FileSink): void {
  const fd = openSync(toBytes(file), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const piece = Buffer.alloc(pieceBytes)
    for (let count = readSync(fd, piece); count > 0; count = readSync(fd, piece)) sink.write(piece.subarray(0, count))
  } finally {
    closeSync(fd)
  }
}

/** Owners by what the mounted tree shows of the files. */
function ownersAt(base: BytePath, owned: ReadonlyMap<BytePath, RecordedOwner>): Map<string, RecordedOwner> {
  const found = [...owned].flatMap(([path, owner]) => {
    const stat = lstatIfThere(onDisk(base, path))
    return stat === undefined ? [] : [[identityOf(stat), owner] as const]
  })
  return new Map(found)
}
