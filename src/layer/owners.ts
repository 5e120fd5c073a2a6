/** Single mode: on disk everything belongs to one id, so a layer's owners come from what was recorded and from the layers below. */
import type { BytePath } from '../core/bytepath.ts'
import type { Entry, EntryType } from '../oci/contents.ts'
import type { TreeView } from '../oci/tree.ts'
import type { Change } from '../rootfs/contract.ts'
import type { SealItem } from './contract.ts'

type Owner = Pick<Entry, 'uid' | 'gid'>

/** Owners that a process asked for, by `Change.identity`; -1 for a half that it left as it was. */
export type RecordedOwners = ReadonlyMap<string, Owner>

/**
 * Changes as items to seal, with the owner that each must have in the image: the one recorded, else that of what the layers below
 * have at the path if it is of the same type, else 0:0. A hard link has its file's owner.
 */
export function* withOwners(changes: Iterable<Change>, below: TreeView, owners: RecordedOwners): Generator<SealItem> {
  const files = new Map<BytePath, Owner>()
  for (const { entry, source, identity } of changes) {
    const ofFile = entry.type === 'hardlink' ? files.get(entry.link ?? '') : undefined
    const recorded = identity === undefined ? undefined : owners.get(identity)
    const { uid, gid } = ofFile ?? completed(recorded, () => ownerBelow(below, entry))
    files.set(entry.path, { uid, gid })
    yield { entry: { ...entry, uid, gid }, source: source === undefined ? undefined : { path: source, offset: 0 } }
  }
}

function completed(recorded: Owner | undefined, before: () => Owner): Owner {
  if (recorded === undefined) return before()
  if (recorded.uid !== -1 && recorded.gid !== -1) return recorded
  const { uid, gid } = before()
  return { uid: recorded.uid === -1 ? uid : recorded.uid, gid: recorded.gid === -1 ? gid : recorded.gid }
}

function ownerBelow(below: TreeView, { path, type }: Entry): Owner {
  const old = below.lookup(path)
  return old !== undefined && plainType(old.type) === plainType(type) ? old : { uid: 0, gid: 0 }
}

/** A further name of a file is that file. */
function plainType(type: EntryType): EntryType {
  return type === 'hardlink' ? 'file' : type
}
