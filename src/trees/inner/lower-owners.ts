/** Single mode: what of the layers below a run belongs to others than root, or stands for a device, as its mounted tree shows it. */
import { readFileSync } from 'node:fs'
import type { BytePath } from '../../core/bytepath.ts'
import { WherryError } from '../../core/errors.ts'
import type { Digest } from '../../core/digest.ts'
import type { FileOwner, LowerOwners } from '../../layer/owners.ts'
import type { ContentsList, Entry } from '../../oci/contents.ts'
import { lstatIfThere, onDisk } from '../../rootfs/disk.ts'
import { decodeContents } from '../../store/contents-codec.ts'
import type { LowerOwner } from '../../sandbox/contract.ts'
import type { StackLayer } from '../contract.ts'

const lists = new Map<Digest, ContentsList>()

/**
 * The contents list of a layer, read once.
 * @throws WherryError `store-corrupt`
 */
export function contentsOf({ diffId, contentsPath }: StackLayer): ContentsList {
  const known = lists.get(diffId) ?? decodeContents(readFileSync(contentsPath))
  if (known === undefined) throw new WherryError('store-corrupt', `the contents list of layer ${diffId} cannot be read`)
  lists.set(diffId, known)
  return known
}

/** What the layers below have. */
export interface LowerFiles {
  readonly owners: LowerOwners
  /** The same for the sandbox. */
  readonly files: readonly LowerOwner[]
}

/**
 * Looks for them in the mounted tree at `root`.
 * @param stable true if a file keeps its birth time when it is changed; on an overlay only its inode number
 */
export function findLowerOwners(
  layers: readonly StackLayer[],
  { root, stable }: { readonly root: BytePath; readonly stable: boolean },
): LowerFiles {
  const files: LowerOwner[] = []
  const linked = new Map<BytePath, FileOwner>()
  for (const [path, owner] of othersFiles(layers)) {
    const stat = lstatIfThere(onDisk(root, path))
    if (stat === undefined) continue
    // The kernel may know better: a device that it did make needs nobody to stand for it.
    if (owner.device !== undefined && !stat.isFile()) continue
    files.push({ ...owner, dev: stat.dev, ino: stat.ino, ...(stable ? { birth: stat.birthtimeNs } : {}) })
    if (stat.nlink > 1n && !stat.isDirectory()) linked.set(path, owner)
  }
  const byInode = new Map(files.map((file) => [String(file.ino), file]))
  return { files, owners: { of: (identity) => lookUp(byInode, identity), linked } }
}

function lookUp(byInode: ReadonlyMap<string, LowerOwner>, identity: string): FileOwner | undefined {
  const [ino = '', birth = ''] = identity.split(':')
  const found = byInode.get(ino)
  return found?.birth === undefined || String(found.birth) === birth ? found : undefined
}

/** What layers say, a later one over an earlier one. What they delete is not looked at: it is not there any more. */
function othersFiles(layers: readonly StackLayer[]): Map<BytePath, FileOwner> {
  const owners = new Map<BytePath, FileOwner>()
  for (const layer of layers) {
    for (const entry of contentsOf(layer)) {
      const owner = ownerIn(entry)
      if (owner !== undefined) owners.set(entry.path, owner)
      else owners.delete(entry.path)
    }
  }
  return owners
}

function ownerIn({ type, uid, gid, devMajor: major = 0, devMinor: minor = 0 }: Entry): FileOwner | undefined {
  if (type === 'char' || type === 'block') return { uid, gid, device: { type, major, minor } }
  return uid === 0 && gid === 0 ? undefined : { uid, gid }
}
