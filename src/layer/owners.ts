/** Where disk does not show the owners and devices that files were to have, a layer has them from what was recorded. */
import type { BytePath } from '../core/bytepath.ts'
import type { Entry, EntryType } from '../oci/contents.ts'
import type { TreeView } from '../oci/tree.ts'
import type { Change } from '../rootfs/contract.ts'
import type { SealItem } from './contract.ts'

/** Whose a file is to be, and the device that an empty file stands for. */
export interface FileOwner {
  readonly uid: number
  readonly gid: number
  readonly device?: { readonly type: 'char' | 'block'; readonly major: number; readonly minor: number }
}

/** Owners that a process asked for, by `Change.identity`; -1 for a half that it left as a new file had it. */
export type RecordedOwners = ReadonlyMap<string, FileOwner>

/** Owners of files of the layers below that a change may be. Those that it does not know belong to 0:0. */
export interface LowerOwners {
  /** By `Change.identity`. */
  of(identity: string): FileOwner | undefined
  /** By path, for files with several names: changed, each is another file than before, and none can tell which. */
  readonly linked: ReadonlyMap<BytePath, FileOwner>
}

const root: FileOwner = { uid: 0, gid: 0 }
const setgidBit = 0o2000

/** What is asked for beyond what the layers below have: a change, whatever disk shows. */
export function ownedBeyond(recorded: RecordedOwners, lower: LowerOwners): { has(identity: string): boolean } {
  return {
    has(identity) {
      const now = recorded.get(identity)
      if (now === undefined) return false
      const before = lower.of(identity) ?? root
      const { uid, gid, device } = completed(now, before)
      return uid !== before.uid || gid !== before.gid || device !== before.device
    },
  }
}

/**
 * Changes as items to seal, with the owner that each must have in the image: the one recorded; else that of the file that it is,
 * if it was there before; else root's, in a setgid folder with the folder's group. A hard link has its file's owner.
 */
export function* withOwners(
  changes: Iterable<Change>,
  recorded: RecordedOwners,
  lower: LowerOwners,
): Generator<SealItem> {
  const done = new Map<BytePath, FileOwner & { readonly mode: number }>()
  for (const change of changes) {
    const { entry, identity } = change
    if (entry.type === 'whiteout' || entry.type === 'opaque') {
      yield { entry, source: undefined }
      continue
    }
    const ofFile = entry.type === 'hardlink' ? done.get(entry.link ?? '') : undefined
    const before = identity === undefined ? undefined : lower.of(identity)
    const otherwise = before ?? lower.linked.get(entry.path) ?? ownerOfNew(change, done.get(parentOf(entry.path)))
    const asked = identity === undefined ? undefined : recorded.get(identity)
    const owner = ofFile ?? completed(asked, otherwise)
    done.set(entry.path, { ...owner, mode: entry.mode })
    yield item(change, owner)
  }
}

/** Changes whose owners are real: only devices come from what was recorded. */
export function* withDevices(changes: Iterable<Change>, recorded: RecordedOwners): Generator<SealItem> {
  for (const change of changes) {
    const { uid, gid } = change.entry
    const known = change.identity === undefined ? undefined : recorded.get(change.identity)
    yield item(change, { uid, gid, device: known?.device })
  }
}

/** Where nothing could be recorded: the owner of what is at the path below if it is of the same type, else root. */
export function* withOwnersBelow(changes: Iterable<Change>, below: TreeView): Generator<SealItem> {
  const done = new Map<BytePath, FileOwner>()
  for (const change of changes) {
    const { entry } = change
    const owner = (entry.type === 'hardlink' ? done.get(entry.link ?? '') : undefined) ?? ownerBelow(below, entry)
    done.set(entry.path, owner)
    yield item(change, owner)
  }
}

function item({ entry, source }: Change, { uid, gid, device }: FileOwner): SealItem {
  const owned = { ...entry, uid, gid }
  if (device === undefined || entry.type === 'hardlink')
    return { entry: owned, source: source === undefined ? undefined : { path: source, offset: 0 } }
  const { type, major: devMajor, minor: devMinor } = device
  return { entry: { ...owned, type, size: 0, devMajor, devMinor }, source: undefined }
}

function completed(asked: FileOwner | undefined, otherwise: FileOwner): FileOwner {
  if (asked === undefined) return otherwise
  return { ...asked, uid: or(asked.uid, otherwise.uid), gid: or(asked.gid, otherwise.gid) }
}

function or(id: number, otherwise: number): number {
  return id === -1 ? otherwise : id
}

function ownerOfNew({ fresh }: Change, folder: (FileOwner & { readonly mode: number }) | undefined): FileOwner {
  return fresh && folder !== undefined && (folder.mode & setgidBit) !== 0 ? { uid: 0, gid: folder.gid } : root
}

function ownerBelow(below: TreeView, { path, type }: Entry): FileOwner {
  const old = below.lookup(path)
  return old !== undefined && plainType(old.type) === plainType(type) ? { uid: old.uid, gid: old.gid } : root
}

/** A further name of a file is that file. */
function plainType(type: EntryType): EntryType {
  return type === 'hardlink' ? 'file' : type
}

function parentOf(path: BytePath): BytePath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
