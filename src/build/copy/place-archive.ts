/** Placing the entries of an archive that ADD unpacks: docker's Untar, confined to the destination folder. */
import { type BytePath, toText } from '../../core/bytepath.ts'
import { WherryError } from '../../core/errors.ts'
import type { Entry } from '../../oci/contents.ts'
import { resolveInTree } from '../../oci/tree-resolve.ts'
import type { TreeView } from '../../oci/tree.ts'
import type { Draft, Drafts } from './drafts.ts'
import { join, lastPart, parentOf } from './paths.ts'
import type { PlaceOptions } from './place.ts'

/** One archive. */
export interface UnpackOrder<T> {
  readonly entries: readonly Entry[]
  readonly options: PlaceOptions
  readonly call: number
  origin(entry: Entry): T
}

/**
 * Places an archive's entries below the destination, which is always a folder. Owners are the archive's unless --chown is given;
 * --chmod does not count. A folder that exists is taken over with the archive's metadata, but for the root; any other thing in
 * the way is replaced. Links on the way are followed as if the destination were the root of the file system. Of an archive's
 * extended attributes only file capabilities reach the image, as in BuildKit.
 * @throws WherryError `copy-failed`, `archive-invalid`
 */
export function unpackEntries<T>(drafts: Drafts<T>, order: UnpackOrder<T>): void {
  const { options } = order
  const implied = { mode: 0o755, uid: 0, gid: 0, mtime: options.now }
  drafts.makeFolders(options.destination, { ...implied, ...options.owner })
  const root = resolveInTree(drafts.view, options.destination, { followLast: true })
  const inside: TreeView = {
    lookup: (path) => drafts.view.lookup(join(root, path)),
    list: (path) => drafts.view.list(join(root, path)),
  }
  const place = (path: BytePath): BytePath => {
    const parent = resolveInTree(inside, parentOf(path), { followLast: true })
    return join(root, join(parent, lastPart(path)))
  }
  for (const entry of order.entries) {
    if (entry.path === '') continue
    const path = place(entry.path)
    drafts.makeFolders(parentOf(path), implied)
    const mtime = entry.mtime < 0n ? 0n : entry.mtime
    const owned: Entry = { ...withCapabilitiesOnly(entry), path, ...options.owner, mtime }
    const draft = draftOf(drafts, order, { entry, owned, link: place(entry.link ?? '') })
    makeWay(drafts, owned)
    drafts.put(draft)
  }
}

const capabilities = 'security.capability'

function withCapabilitiesOnly(entry: Entry): Entry {
  const { xattrs, ...plain } = entry
  const held = xattrs?.[capabilities]
  return held === undefined ? plain : { ...plain, xattrs: { [capabilities]: held } }
}

interface Unpacking {
  readonly entry: Entry
  /** The entry at its place. */
  readonly owned: Entry
  /** For a hard link, the place of its target. */
  readonly link: BytePath
}

function draftOf<T>(drafts: Drafts<T>, order: UnpackOrder<T>, { entry, owned, link }: Unpacking): Draft<T> {
  if (entry.type === 'file') return { entry: owned, origin: order.origin(entry) }
  if (entry.type !== 'hardlink') return { entry: owned }
  const target = drafts.get(link)
  if (target === undefined || target.entry.type === 'dir') {
    throw new WherryError(
      'archive-invalid',
      `"${toText(entry.path)}" is a hard link to "${toText(entry.link ?? '')}", which is not before it in the archive`,
    )
  }
  // Names of one file share one set of metadata, and which of them stands first in the layer is told later by their order.
  const { mode, uid, gid, mtime } = owned
  const shared = target.entry.type === 'symlink' ? target.entry : { ...target.entry, mode, uid, gid, mtime }
  const identity = target.entry.type === 'file' ? (target.identity ?? `${order.call}:${link}`) : undefined
  drafts.put({ ...target, entry: shared, ...(identity !== undefined && { identity }) })
  return { entry: { ...shared, path: owned.path }, origin: target.origin, ...(identity !== undefined && { identity }) }
}

/** Whatever is not a folder on a folder replaces what was there. */
function makeWay<T>(drafts: Drafts<T>, entry: Entry): void {
  const existing = drafts.view.lookup(entry.path)
  if (existing === undefined || (existing.type === 'dir' && entry.type === 'dir')) return
  if (existing.type === 'dir' || entry.type === 'dir') drafts.clear(entry.path)
}
