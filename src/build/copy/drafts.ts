/** What a COPY has placed so far, seen together with the tree that it is copied into. */
import { type BytePath, toText } from '../../core/bytepath.ts'
import { WherryError } from '../../core/errors.ts'
import type { Entry } from '../../oci/contents.ts'
import { resolveInTree } from '../../oci/tree-resolve.ts'
import type { TreeView } from '../../oci/tree.ts'
import { lastPart } from './paths.ts'

/** An entry to be, where its bytes come from, and what it shares with other names of the same file. */
export interface Draft<T> {
  readonly entry: Entry
  readonly origin?: T
  readonly identity?: string
}

/** Owner, mode and time of folders that are made on the way. */
export interface FolderStyle {
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: bigint
}

/** The drafts over the destination tree. */
export interface Drafts<T> {
  /** The tree as it will be; only `lookup` sees the drafts. */
  readonly view: TreeView
  get(path: BytePath): Draft<T> | undefined
  /** Adds or replaces. @throws WherryError `copy-failed` for a name that no layer can hold */
  put(draft: Draft<T>): void
  /** Makes way for something else at a path: what was placed there or below it goes. */
  clear(path: BytePath): void
  /** Makes the folders that `path` lacks; links in it are followed. @throws WherryError `copy-failed` if a file is in the way */
  makeFolders(path: BytePath, style: FolderStyle): void
  all(): Draft<T>[]
}

/** Drafts over `below`. */
export function createDrafts<T>(below: TreeView): Drafts<T> {
  const drafts = new Map<BytePath, Draft<T>>()
  // What clear() took away shows nothing of the tree below any more.
  const cleared = new Set<BytePath>()
  const isCleared = (path: BytePath): boolean => cleared.size > 0 && [...cleared].some((c) => path.startsWith(`${c}/`))
  const view: TreeView = {
    lookup: (path) => drafts.get(path)?.entry ?? (isCleared(path) ? undefined : below.lookup(path)),
    list: (path) => below.list(path),
  }
  const put = (draft: Draft<T>): void => {
    if (lastPart(draft.entry.path).startsWith('.wh.')) throw reservedName(draft.entry.path)
    drafts.set(draft.entry.path, draft)
  }
  return {
    view,
    put,
    get: (path) => drafts.get(path),
    clear(path) {
      for (const key of drafts.keys()) if (key === path || key.startsWith(`${path}/`)) drafts.delete(key)
      cleared.add(path)
    },
    makeFolders(path, style) {
      const parts = resolveInTree(view, path, { followLast: true }).split('/')
      for (let i = 1; i <= parts.length; i++) {
        const folder = parts.slice(0, i).join('/')
        const existing = folder === '' ? undefined : view.lookup(folder)
        if (folder === '' || existing?.type === 'dir') continue
        if (existing !== undefined) throw notFolder(folder)
        put({ entry: { path: folder, type: 'dir', size: 0, ...style } })
      }
    },
    all: () => [...drafts.values()],
  }
}

/** The error for a file where a folder must be, in BuildKit's words. */
export function notFolder(path: BytePath): WherryError {
  return new WherryError('copy-failed', `cannot copy to non-directory: /${toText(path)}`)
}

function reservedName(path: BytePath): WherryError {
  return new WherryError(
    'copy-failed',
    `"/${toText(path)}" cannot be copied: names with .wh. mark deletions in layers`,
    {
      hint: 'Rename it, or exclude it in .dockerignore.',
    },
  )
}
