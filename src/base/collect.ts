/** Gathers files of the machine as layer entries: with every folder and link on the way, so that paths mean the same. */
import { type BigIntStats, accessSync, constants, lstatSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type BytePath, compareTreePaths, fromBytes, fromText, toBytes, toText } from '../core/bytepath.ts'
import { WherryError, errnoOf } from '../core/errors.ts'
import type { Entry } from '../oci/contents.ts'

/** An entry of the layer to be, and where a file's bytes are: `entry.size` bytes of the file `path` on disk from `offset`. */
export interface HostItem {
  readonly entry: Entry
  readonly source?: { readonly path: BytePath; readonly offset: number }
}

/** A set of entries that grows; each path once, the first wins. */
export interface Collection {
  /**
   * Adds what the machine has at an absolute path, its parents, and, through links, what it points to.
   * Folders are added without what they hold. Returns the path without links, relative to the root.
   * @throws WherryError `io` if it is not there or may not be read
   */
  addHost(path: BytePath): BytePath
  /** Adds a made-up entry, its parents included; a path that is there already stays as it is. */
  addMade(entry: Pick<Entry, 'path' | 'type' | 'mode'> & Partial<Entry>, source?: HostItem['source']): void
  /** True if something was added at exactly this path. */
  has(path: BytePath): boolean
  /** Everything, folders before what they hold. */
  items(): HostItem[]
}

/** Links that lead to links beyond this depth are a cycle. */
const maxLinks = 40

/** Ids from here on belong to people, not to the system; an image does not know them. */
const firstPersonalId = 1000n

/**
 * An empty collection for the system below `root`. `folderTime` (nanoseconds) is the mtime of all folders and made-up entries:
 * the machine's folders change with every package, files do not.
 */
export function collection(root: string, folderTime: bigint): Collection {
  const items = new Map<BytePath, HostItem>()

  const visit = (path: BytePath, links: number): BytePath => {
    let at: BytePath = ''
    const parts = path.split('/').filter((p) => p !== '' && p !== '.')
    for (const [index, part] of parts.entries()) {
      if (part === '..') {
        at = parentOf(at)
        continue
      }
      const here = at === '' ? part : `${at}/${part}`
      const stat = statHost(root, here)
      if (!items.has(here)) items.set(here, hostItem(root, here, stat, folderTime))
      if (!stat.isSymbolicLink()) {
        at = here
        continue
      }
      if (links >= maxLinks) throw new WherryError('io', `/${toText(path)} leads through too many links`)
      const link = linkTarget(root, here)
      const rest = parts.slice(index + 1).join('/')
      return visit(`${link.startsWith('/') ? '' : at}/${link}/${rest}`, links + 1)
    }
    return at
  }

  const collected: Collection = {
    addHost: (path) => visit(path, 0),
    addMade(entry, source) {
      const parent = parentOf(entry.path)
      if (entry.path !== '' && !items.has(parent)) this.addMade({ path: parent, type: 'dir', mode: 0o755 })
      if (items.has(entry.path)) return
      const full: Entry = { uid: 0, gid: 0, size: 0, mtime: folderTime, ...entry }
      items.set(entry.path, source ? { entry: full, source } : { entry: full })
    },
    has: (path) => items.has(path),
    items: () =>
      [...items.values()]
        .filter((i) => i.entry.path !== '')
        .sort((a, b) => compareTreePaths(a.entry.path, b.entry.path)),
  }
  return collected
}

function parentOf(path: BytePath): BytePath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

function onDisk(root: string, path: BytePath): BytePath {
  return join(fromText(root), path)
}

function statHost(root: string, path: BytePath): BigIntStats {
  try {
    return lstatSync(toBytes(onDisk(root, path)), { bigint: true })
  } catch (cause) {
    const what = errnoOf(cause) === 'ENOENT' ? 'is not on this machine' : 'cannot be reached'
    throw new WherryError('io', `/${toText(path)} ${what}`, { cause })
  }
}

function linkTarget(root: string, path: BytePath): BytePath {
  return fromBytes(readlinkSync(toBytes(onDisk(root, path)), { encoding: 'buffer' }))
}

function hostItem(root: string, path: BytePath, stat: BigIntStats, folderTime: bigint): HostItem {
  const owner = ownerOf(stat)
  const common = { path, ...owner, size: 0, mtime: stat.mtimeNs }
  if (stat.isDirectory()) return { entry: { ...common, type: 'dir', mtime: folderTime } }
  if (stat.isSymbolicLink()) {
    return { entry: { ...common, type: 'symlink', mode: 0o777, link: linkTarget(root, path) } }
  }
  if (stat.isFile()) {
    mustBeReadable(root, path)
    const entry: Entry = { ...common, type: 'file', size: Number(stat.size) }
    return { entry, source: { path: onDisk(root, path), offset: 0 } }
  }
  throw new WherryError('io', `/${toText(path)} is neither file, folder nor link`)
}

function mustBeReadable(root: string, path: BytePath): void {
  try {
    accessSync(toBytes(onDisk(root, path)), constants.R_OK)
  } catch (cause) {
    throw new WherryError('io', `/${toText(path)} may not be read by this user`, {
      cause,
      hint: 'Leave out what holds it, or make the base image as root.',
    })
  }
}

/** System owners are kept; to an image a person's file is root's, without the bits that would lend it root's rights. */
function ownerOf(stat: BigIntStats): Pick<Entry, 'uid' | 'gid' | 'mode'> {
  const known = stat.uid < firstPersonalId && stat.gid < firstPersonalId
  const mode = Number(stat.mode & 0o7777n)
  if (known) return { uid: Number(stat.uid), gid: Number(stat.gid), mode }
  return { uid: 0, gid: 0, mode: stat.isDirectory() ? 0o755 : mode & 0o755 }
}
