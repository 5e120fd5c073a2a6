/** Whiteouts in the names that a layer's tar has for them. OCI image-spec, layer.md, "Representing Changes". */
import type { TarHeader } from '../archive/tar-header.ts'
import { type BytePath, toText } from '../core/bytepath.ts'
import { WherryError } from '../core/errors.ts'
import type { Entry } from '../oci/contents.ts'

const prefix = '.wh.'
/** Files of aufs itself, which old layers may have. */
const metaPrefix = '.wh..wh.'
const opaqueName = '.wh..wh..opq'

/** The tar header of an entry. */
export function headerOf(entry: Entry): TarHeader {
  const { type, path, link, xattrs } = entry
  if (type === 'whiteout' || type === 'opaque') {
    const { mode, uid, gid, mtime } = entry
    return { path: markPath(path, type), type: 'file', mode, uid, gid, size: 0, mtime }
  }
  const { mode, uid, gid, size, mtime, devMajor, devMinor } = entry
  const attributes = type === 'hardlink' ? undefined : xattrs
  return { path, type, mode, uid, gid, size, mtime, link, devMajor, devMinor, xattrs: attributes }
}

function markPath(path: BytePath, type: 'whiteout' | 'opaque'): BytePath {
  if (type === 'opaque') return path === '' ? opaqueName : `${path}/${opaqueName}`
  const name = path.lastIndexOf('/') + 1
  return `${path.slice(0, name)}${prefix}${path.slice(name)}`
}

/**
 * The entry of a tar header; undefined for what belongs to aufs and is no part of the tree.
 * @throws WherryError `archive-invalid` for a whiteout of nothing, `.` or `..`
 */
export function entryOfHeader(header: TarHeader): Entry | undefined {
  const { path } = header
  if (!path.includes(prefix)) return header
  const name = path.slice(path.lastIndexOf('/') + 1)
  const folder = path.slice(0, Math.max(0, path.length - name.length - 1))
  if (name === opaqueName) return mark(folder, 'opaque')
  if (path.startsWith(metaPrefix) || path.includes(`/${metaPrefix}`)) return undefined
  if (!name.startsWith(prefix)) return header
  const target = name.slice(prefix.length)
  if (target === '' || target === '.' || target === '..')
    throw new WherryError('archive-invalid', `the layer has a whiteout of nothing: "${toText(path)}"`)
  return mark(folder === '' ? target : `${folder}/${target}`, 'whiteout')
}

function mark(path: BytePath, type: 'whiteout' | 'opaque'): Entry {
  return { path, type, mode: 0, uid: 0, gid: 0, size: 0, mtime: 0n }
}
