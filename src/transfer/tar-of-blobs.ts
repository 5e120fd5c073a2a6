/** Outer archives: plain files from the store's blobs and from memory, written by tar-fs. */
import { Readable } from 'node:stream'
import { pack } from 'tar-fs'
import { type Digest, hexOf } from '../core/digest.ts'
import type { Store } from '../store/contract.ts'

/** What goes into the archive: blobs under the names that `nameOf` gives them, then files from memory. */
export interface Contents {
  readonly blobs: readonly Digest[]
  readonly nameOf: (digest: Digest) => string
  readonly files: readonly (readonly [name: string, bytes: Buffer | string])[]
}

/** The archive as a stream; the same contents give the same bytes. The blobs must be in the store. */
export function tarOfBlobs({ blobs, nameOf, files }: Contents, store: Pick<Store, 'blobs'>): Readable {
  const names = [...new Set(blobs)].map(hexOf).sort()
  const [first] = blobs
  const folder = first === undefined ? '.' : store.blobs.pathOf(first).slice(0, -hexOf(first).length)
  const archive = pack(folder, {
    entries: names,
    map: (header) => ({ ...plain, size: header.size, type: header.type, name: nameOf(`sha256:${header.name}`) }),
    finalize: false,
    finish: (open) => {
      for (const [name, bytes] of files) open.entry({ ...plain, name }, bytes)
      open.finalize()
    },
  })
  // Before tar-fs has looked at the first blob. Readers that have to make a folder themselves may want to be root for it.
  for (const name of foldersOf([...blobs.map(nameOf), ...files.map(([file]) => file)])) {
    archive.entry({ ...plain, mode: 0o755, type: 'directory', name })
  }
  return Readable.from(archive, { objectMode: false })
}

/** The folders above these names, each before what it holds. */
function foldersOf(names: readonly string[]): string[] {
  const parents = names.flatMap((name) => {
    const parts = name.split('/').slice(0, -1)
    return parts.map((_, i) => parts.slice(0, i + 1).join('/'))
  })
  return [...new Set(parents)].sort()
}

/** Headers tell nothing of this machine. */
const plain = { uid: 0, gid: 0, mode: 0o644, mtime: new Date(0), uname: '', gname: '' }
