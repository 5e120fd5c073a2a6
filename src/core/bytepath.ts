/**
 * Byte paths: a path inside a root file system, layer or context, as a string whose code units are its bytes (latin1).
 * Linux names are bytes; decoding them as UTF-8 loses those that are not. Given to `node:fs` only through `toBytes`.
 * Compared by code unit, which is bytewise. Relative paths have no leading slash; '' is the root.
 */

/** A latin1-decoded path: one code unit per byte. */
export type BytePath = string & { readonly __bytePath?: never }

/** The bytes of a byte path, for `node:fs`. */
export function toBytes(path: BytePath): Buffer {
  return Buffer.from(path, 'latin1')
}

/** The byte path of bytes read from the kernel or an archive. */
export function fromBytes(bytes: Uint8Array): BytePath {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** The byte path of text (Dockerfile, JSON, command line), which is UTF-8. */
export function fromText(text: string): BytePath {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** A byte path as text for people; bytes that are not UTF-8 show as U+FFFD. */
export function toText(path: BytePath): string {
  return Buffer.from(path, 'latin1').toString('utf8')
}

/** Orders byte paths by their bytes. */
export function compareBytePaths(a: BytePath, b: BytePath): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Orders tree paths so that a folder comes right before what it holds: '/' sorts before every other byte. */
export function compareTreePaths(a: BytePath, b: BytePath): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    if (x === 0x2f) return -1
    if (y === 0x2f) return 1
    return x - y
  }
  return a.length - b.length
}
