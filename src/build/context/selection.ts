/** The content of what a COPY selects, as one digest: a part of the step's cache key. */
import { createHash } from 'node:crypto'
import type { Digest } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import type { Entry } from '../../oci/contents.ts'

/**
 * The digest of entries in their order: path, type, mode, owner, link target, device, xattrs and content; not the time of
 * modification. Fields are framed, so that no two different selections have the same bytes.
 * @throws WherryError `internal` if a regular file has no content hash
 */
export function selectionDigest(entries: Iterable<Entry>): Digest {
  const hash = createHash('sha256')
  let pending = ''
  for (const entry of entries) {
    pending += framed(entry)
    if (pending.length < 65_536) continue
    hash.update(pending, 'latin1')
    pending = ''
  }
  return `sha256:${hash.update(pending, 'latin1').digest('hex')}`
}

/** NUL ends each field: paths, link targets and numbers cannot hold one, and JSON escapes those of xattrs. */
function framed(entry: Entry): string {
  const { path, type, mode, uid, gid, link = '', devMajor = 0, devMinor = 0, xattrs, sha256 } = entry
  if (type === 'file' && sha256 === undefined) throw new WherryError('internal', `no content hash of ${path}`)
  const extended = Object.entries(xattrs ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  const xattrText = extended.length === 0 ? '' : JSON.stringify(extended)
  return `${path}\0${type}\0${mode}\0${uid}\0${gid}\0${link}\0${devMajor}:${devMinor}\0${xattrText}\0${sha256 ?? ''}\0`
}
