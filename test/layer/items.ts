/** Making things to seal, and archives that no honest program makes. */
import { encodeTarHeader, tarEnd, tarPadding } from '../../src/archive/tar-write.ts'
import type { TarHeader } from '../../src/archive/tar-header.ts'
import type { Entry } from '../../src/oci/contents.ts'

/** An entry with defaults. */
export function entryOf(given: Partial<Entry> & Pick<Entry, 'path' | 'type'>): Entry {
  return {
    mode: given.type === 'dir' ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: 1_600_000_000_000_000_000n,
    ...given,
  }
}

/** An archive of headers written as they are, however bad, with the bytes of files. */
export function rawTar(
  entries: readonly (Partial<TarHeader> & Pick<TarHeader, 'path' | 'type'> & { bytes?: string })[],
): Buffer {
  const blocks = entries.flatMap(({ bytes = '', ...given }) => [
    encodeTarHeader({ mode: 0o644, uid: 0, gid: 0, mtime: 0n, ...given, size: bytes.length }),
    Buffer.from(bytes, 'latin1'),
    Buffer.alloc(tarPadding(bytes.length)),
  ])
  return Buffer.concat([...blocks, tarEnd])
}
