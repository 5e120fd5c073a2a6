/** Placing files and folders of a tree: fsutil's copy with folder contents, links followed at the top only. */
import { type BytePath, toText } from '../../core/bytepath.ts'
import { WherryError } from '../../core/errors.ts'
import type { Entry } from '../../oci/contents.ts'
import { resolveInTree } from '../../oci/tree-resolve.ts'
import { type Drafts, type FolderStyle, notFolder } from './drafts.ts'
import { join, lastPart, parentOf } from './paths.ts'
import { type CopyFilter, pickBelow } from './filter.ts'
import type { PlaceOptions, PlaceSource } from './place.ts'
import type { Selected } from './select.ts'

/** One selected source. */
export interface CopyOrder<T> {
  readonly source: PlaceSource<T>
  readonly selected: Selected
  readonly filter: CopyFilter
  readonly options: PlaceOptions
  /** Tells this source from others: hard links between two of them are not kept, as in BuildKit. */
  readonly call: number
}

/**
 * Places one source. A file goes to the destination, or into it if that is a folder; of a folder the contents do. Folders on the way
 * are made with the mode of --chmod and the owner of --chown.
 * @throws WherryError `copy-failed`
 */
export function copySelected<T>(drafts: Drafts<T>, order: CopyOrder<T>): void {
  const { source, selected, options } = order
  const entry = source.tree.lookup(selected.real)
  if (entry === undefined) return
  const style = folderStyle(options)
  drafts.makeFolders(folderPart(options.destination), style)
  const target = resolveInTree(drafts.view, options.destination, { followLast: true })
  const existing = drafts.view.lookup(target)
  if (entry.type !== 'dir') {
    const file = existing?.type === 'dir' ? join(target, lastPart(selected.named)) : target
    drafts.makeFolders(parentOf(file), style)
    placeEntry(drafts, order, { entry, target: file })
    return
  }
  if (existing !== undefined && existing.type !== 'dir') throw notFolder(target)
  drafts.makeFolders(target, style)
  takeTime(drafts, target, selected.real === '' ? undefined : entry.mtime)
  copyChildren(drafts, order, { folder: selected.real, target })
}

/** The folder copied into keeps its owner and mode but gets the time of the one copied from, if that is known. */
function takeTime<T>(drafts: Drafts<T>, target: BytePath, mtime: bigint | undefined): void {
  const entry = drafts.view.lookup(target)
  if (entry !== undefined && target !== '' && mtime !== undefined) drafts.put({ entry: { ...entry, mtime } })
}

function copyChildren<T>(
  drafts: Drafts<T>,
  order: CopyOrder<T>,
  { folder, target }: { folder: BytePath; target: BytePath },
): void {
  for (const { entry, relative, own } of pickBelow(order.source.tree, folder, order.filter)) {
    const to = join(target, relative)
    const existing = own ? undefined : drafts.view.lookup(to)
    // Of a folder on the way to what is copied, one that exists takes the permissions alone.
    if (existing?.type === 'dir') drafts.put({ entry: { ...existing, mode: entry.mode } })
    else placeEntry(drafts, order, { entry, target: to })
  }
}

/** Below the top nothing is followed: a link in the destination is replaced by a file, and in the way of a folder. */
function placeEntry<T>(
  drafts: Drafts<T>,
  { source, options, call }: CopyOrder<T>,
  { entry, target }: { entry: Entry; target: BytePath },
): void {
  const existing = drafts.view.lookup(target)
  if (entry.type === 'dir' && existing !== undefined && existing.type !== 'dir') throw notFolder(target)
  if (entry.type !== 'dir' && existing?.type === 'dir') {
    throw new WherryError('copy-failed', `cannot replace to directory /${toText(target)} with file`)
  }
  if (entry.type === 'hardlink') {
    throw new WherryError('copy-failed', `"/${toText(entry.path)}" is a hard link to a file that is not there`)
  }
  const { chmod, owner } = options
  const isLink = entry.type === 'symlink'
  const mode = chmod === undefined || isLink ? entry.mode : chmod.apply(entry.mode, entry.type === 'dir')
  const xattrs = existing?.type === 'dir' ? { xattrs: { ...existing.xattrs, ...entry.xattrs } } : {}
  const placed: Entry = { ...entry, path: target, mode, ...owner, ...xattrs }
  if (entry.type !== 'file') {
    drafts.put({ entry: placed })
    return
  }
  const identity = source.identity?.(entry.path)
  drafts.put({
    entry: placed,
    origin: source.origin(entry.path),
    ...(identity !== undefined && { identity: `${call}:${identity}` }),
  })
}

function folderStyle({ chmod, owner, now }: PlaceOptions): FolderStyle {
  // Special bits of --chmod are for what is copied; fsutil's MkdirAll takes the permissions alone.
  const mode = (chmod?.octal ?? 0o755) & 0o777
  return { mode, uid: owner?.uid ?? 0, gid: owner?.gid ?? 0, mtime: now }
}

/** The folder that a destination means: all of `/a/b/`, the parent of `/a/b`. */
function folderPart(destination: BytePath): BytePath {
  return destination.slice(0, destination.lastIndexOf('/'))
}
