/**
 * Where copied files go, as entries of a layer: the one algorithm behind COPY and ADD. Pure: it looks at trees and makes data.
 * The rules are those of BuildKit's fsutil copy, which differ from `cp` in what happens to folders that exist.
 */
import { type BytePath, compareTreePaths, toText } from '../../core/bytepath.ts'
import { WherryError } from '../../core/errors.ts'
import type { Entry } from '../../oci/contents.ts'
import { resolveInTree } from '../../oci/tree-resolve.ts'
import type { TreeView } from '../../oci/tree.ts'
import type { Selected } from './select.ts'

/** A user and a group, by number. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** What holds for all sources of one COPY. */
export interface PlaceOptions {
  /** Absolute; a trailing slash means a folder. Links are followed inside the destination's root. */
  readonly destination: BytePath
  /** --chown; undefined keeps the owners of the sources. */
  readonly owner?: Owner
  /** --chmod. */
  readonly chmod?: number
  /** Time of folders that have no source, in nanoseconds. */
  readonly now: bigint
}

/** A tree to copy from. */
export interface PlaceSource<T> {
  readonly tree: TreeView
  /** What to remember of a file, so that its bytes can be found. */
  origin(path: BytePath): T
  /** Equal for hard links to one file; undefined if that cannot be told. */
  identity?(path: BytePath): string | undefined
}

/** An entry of the layer to be, and where its bytes come from. */
export interface Placed<T> {
  readonly entry: Entry
  readonly origin?: T
}

/** Collects what is copied into a destination tree. */
export interface Placer<T> {
  /** Copies one selected file or folder (its contents). @throws WherryError `copy-failed` */
  copy(source: PlaceSource<T>, selected: Selected): void
  /** Unpacks an archive's entries into the destination folder. */
  unpack(entries: readonly Entry[], origin: (entry: Entry) => T): void
  /** Everything, folders before what they hold. */
  placed(): Placed<T>[]
}

interface Draft<T> extends Placed<T> {
  readonly identity?: string
}

/** A placer over a destination tree. */
export function createPlacer<T>(below: TreeView, options: PlaceOptions): Placer<T> {
  const drafts = new Map<BytePath, Draft<T>>()
  const view: TreeView = {
    lookup: (path) => drafts.get(path)?.entry ?? below.lookup(path),
    list: (path) => below.list(path),
  }
  const put = (draft: Draft<T>): void => void drafts.set(draft.entry.path, draft)
  const context: Context<T> = { view, options, put }
  return {
    copy: (source, selected) => copySelected(context, source, selected),
    unpack: (entries, origin) => unpackEntries(context, entries, origin),
    placed: () => linkTwins([...drafts.values()].sort((a, b) => compareTreePaths(a.entry.path, b.entry.path))),
  }
}

interface Context<T> {
  readonly view: TreeView
  readonly options: PlaceOptions
  put(draft: Draft<T>): void
}

function copySelected<T>(context: Context<T>, source: PlaceSource<T>, { named, real }: Selected): void {
  const { view, options } = context
  const entry = real === '' ? rootEntry : source.tree.lookup(real)
  if (entry === undefined) return
  makeFolders(context, folderPart(options.destination))
  let target = resolveInTree(view, options.destination.slice(1), { followLast: true })
  const existing = target === '' ? rootEntry : view.lookup(target)
  if (entry.type !== 'dir') {
    if (existing?.type === 'dir') target = join(target, lastPart(named))
    makeFolders(context, parentOf(target))
    return placeEntry(context, source, { entry, target })
  }
  if (existing !== undefined && existing.type !== 'dir') throw notFolder(target)
  // What is copied is the folder's contents: a folder that exists keeps its owner and mode.
  if (existing === undefined) {
    makeFolders(context, parentOf(target))
    context.put({ entry: adapt(context, entry, target) })
  }
  copyChildren(context, source, { folder: real, target })
}

const rootEntry: Entry = { path: '', type: 'dir', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n }

function copyChildren<T>(
  context: Context<T>,
  source: PlaceSource<T>,
  { folder, target }: { folder: BytePath; target: BytePath },
): void {
  for (const name of source.tree.list(folder)) {
    const path = join(folder, name)
    const entry = source.tree.lookup(path)
    if (entry === undefined) continue
    const to = join(target, name)
    placeEntry(context, source, { entry, target: to })
    if (entry.type === 'dir') copyChildren(context, source, { folder: path, target: to })
  }
}

function placeEntry<T>(
  context: Context<T>,
  source: PlaceSource<T>,
  { entry, target }: { entry: Entry; target: BytePath },
): void {
  const existing = context.view.lookup(target)
  if (entry.type === 'dir' && existing !== undefined && existing.type !== 'dir') throw notFolder(target)
  if (entry.type !== 'dir' && existing?.type === 'dir') {
    throw new WherryError('copy-failed', `cannot replace to directory /${toText(target)} with file`)
  }
  const placed = adapt(context, entry, target)
  if (entry.type !== 'file') return context.put({ entry: placed })
  context.put({ entry: placed, origin: source.origin(entry.path), identity: source.identity?.(entry.path) })
}

/** A source's entry with the destination's path, and the owner, mode and time that the options want. */
function adapt<T>({ options }: Context<T>, entry: Entry, path: BytePath): Entry {
  const { owner, chmod } = options
  const mode = chmod === undefined || entry.type === 'symlink' ? entry.mode : chmod
  return { ...entry, path, mode, ...owner }
}

/** Makes the folders that `path` lacks, with the mode of --chmod and the owner of --chown as BuildKit does. */
function makeFolders<T>(context: Context<T>, path: BytePath): void {
  const { view, options } = context
  const target = resolveInTree(view, path, { followLast: true })
  const parts = target.split('/').filter((part) => part !== '')
  for (let i = 1; i <= parts.length; i++) {
    const folder = parts.slice(0, i).join('/')
    const existing = view.lookup(folder)
    if (existing?.type === 'dir') continue
    if (existing !== undefined) throw notFolder(folder)
    const { uid, gid } = options.owner ?? { uid: 0, gid: 0 }
    context.put({
      entry: { path: folder, type: 'dir', mode: options.chmod ?? 0o755, uid, gid, size: 0, mtime: options.now },
    })
  }
}

function notFolder(path: BytePath): WherryError {
  return new WherryError('copy-failed', `cannot copy to non-directory: /${toText(path)}`)
}

/** Archive entries below the destination folder; folders that exist keep their mode, as do those the archive does not name. */
function unpackEntries<T>(context: Context<T>, entries: readonly Entry[], origin: (entry: Entry) => T): void {
  const { view, options } = context
  makeFolders(context, options.destination.slice(1))
  const root = resolveInTree(view, options.destination.slice(1), { followLast: true })
  for (const entry of entries) {
    if (entry.path === '') continue
    const parent = resolveInTree(view, join(root, parentOf(entry.path)), { followLast: true })
    makeFolders(context, parent)
    const path = join(parent, lastPart(entry.path))
    const owned: Entry = { ...entry, path, ...options.owner }
    if (entry.type === 'hardlink') unpackLink(context, { entry: owned, link: join(root, entry.link ?? '') })
    else if (entry.type === 'file') context.put({ entry: owned, origin: origin(entry) })
    else context.put({ entry: owned })
  }
}

function unpackLink<T>(context: Context<T>, { entry, link }: { entry: Entry; link: BytePath }): void {
  const target = context.view.lookup(link)
  if (target === undefined) throw new WherryError('archive-invalid', `${toText(entry.path)} is a hard link to nothing`)
  context.put({ entry: { ...entry, link } })
}

/** Files of one identity become one file and hard links to it; the first name in tree order is the file. */
function linkTwins<T>(drafts: readonly Draft<T>[]): Placed<T>[] {
  const first = new Map<string, BytePath>()
  return drafts.map(({ entry, origin, identity }) => {
    if (identity === undefined) return { entry, origin }
    const twin = first.get(identity)
    if (twin !== undefined)
      return { entry: { ...entry, type: 'hardlink', size: 0, link: twin, sha256: undefined, offset: undefined } }
    first.set(identity, entry.path)
    return { entry, origin }
  })
}

function join(folder: BytePath, name: BytePath): BytePath {
  return folder === '' ? name : name === '' ? folder : `${folder}/${name}`
}

function parentOf(path: BytePath): BytePath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

function lastPart(path: BytePath): BytePath {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The folder that a destination means: all of `/a/b/`, the parent of `/a/b`. */
function folderPart(destination: BytePath): BytePath {
  return destination.slice(1, Math.max(1, destination.lastIndexOf('/')))
}
