/** The files of packages put together as dpkg does it: folders are shared, links to folders are followed, the last file wins. */
import { type BytePath, compareTreePaths, toText } from '../../core/bytepath.ts'
import { WherryError } from '../../core/errors.ts'
import type { SealItem } from '../../layer/contract.ts'
import type { Entry } from '../../oci/contents.ts'

/** A tree that grows. */
export interface RootTree {
  /** Adds an entry; what is on its way must be folders, or links to such. */
  add(entry: Entry, source?: SealItem['source']): void
  /** Everything, folders before what they hold, hard links last. */
  items(): SealItem[]
}

/** Links that lead to links beyond this depth are a cycle. */
const maxLinks = 40

/** An empty tree. `time` (ns) is the mtime of folders that no package has. */
export function rootTree(time: bigint): RootTree {
  const items = new Map<BytePath, SealItem>()

  /** Where a path really is; with `follow` also if it is itself a link. */
  const resolve = (path: BytePath, follow: boolean): BytePath => {
    let parts = partsOf(path)
    let at: BytePath = ''
    for (let links = 0; parts.length > 0; ) {
      const [part = '', ...rest] = parts
      parts = rest
      if (part === '..') {
        at = parentOf(at)
        continue
      }
      const here = at === '' ? part : `${at}/${part}`
      const entry = items.get(here)?.entry
      if (entry?.type !== 'symlink' || (rest.length === 0 && !follow)) {
        at = here
        continue
      }
      if (++links > maxLinks) throw new WherryError('archive-invalid', `/${toText(path)} leads through too many links`)
      const link = entry.link ?? ''
      parts = [...partsOf(link), ...rest]
      if (link.startsWith('/')) at = ''
    }
    return at
  }

  const ensureFolder = (path: BytePath): void => {
    const known = items.get(path)?.entry
    if (path === '' || known?.type === 'dir') return
    if (known !== undefined) throw new WherryError('archive-invalid', `/${toText(path)} is a file and a folder`)
    ensureFolder(parentOf(path))
    items.set(path, { entry: { path, type: 'dir', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: time } })
  }

  return {
    add(entry, source) {
      const { type } = entry
      const path = resolve(entry.path, type === 'dir')
      if (path === '') return
      ensureFolder(parentOf(path))
      // A folder that is there already stays as it is.
      if (type === 'dir' && items.has(path)) {
        ensureFolder(path)
        return
      }
      if (type !== 'dir' && items.get(path)?.entry.type === 'dir') {
        if (
          type === 'symlink' &&
          items.get(resolve(`${parentOf(path)}/${entry.link ?? ''}`, true))?.entry.type === 'dir'
        )
          return
        throw new WherryError('archive-invalid', `/${toText(path)} is a folder and a file`)
      }
      const placed =
        type === 'hardlink' ? { ...entry, path, link: resolve(entry.link ?? '', false) } : { ...entry, path }
      items.set(path, source === undefined ? { entry: placed } : { entry: placed, source })
    },
    items: () =>
      [...items.values()].sort(
        (a, b) => Number(isLink(a)) - Number(isLink(b)) || compareTreePaths(a.entry.path, b.entry.path),
      ),
  }
}

function isLink({ entry }: SealItem): boolean {
  return entry.type === 'hardlink'
}

function partsOf(path: BytePath): BytePath[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}

function parentOf(path: BytePath): BytePath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
