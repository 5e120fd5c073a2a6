/** What an archive of a root file system holds, without times: for comparing images. */
import { type Hash, createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { TarParser } from '../../src/archive/tar-read.ts'

/** One entry, with all that an image keeps of it but times. */
export interface ImageEntry {
  readonly type: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly link: string | undefined
  readonly device: readonly number[]
  readonly xattrs: readonly string[]
  readonly sha256: string | undefined
}

/** The entries of the archive at `path`, by their paths. The root is left out: nobody gives it anything. */
export function imageEntries(path: string): Map<string, ImageEntry> {
  const entries = new Map<string, ImageEntry>()
  let current: { name: string; entry: ImageEntry } | undefined
  let hash: Hash | undefined
  const parser = new TarParser({
    entry(header) {
      const { type, mode, uid, gid, size, link, devMajor = 0, devMinor = 0 } = header
      const isDevice = type === 'char' || type === 'block'
      const xattrs = Object.entries(header.xattrs ?? {}).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      const device = isDevice ? [devMajor, devMinor] : []
      current = { name: header.path, entry: { type, mode, uid, gid, size, link, device, xattrs, sha256: undefined } }
      hash = type === 'file' ? createHash('sha256') : undefined
    },
    data: (chunk) => void hash?.update(chunk),
    entryEnd() {
      if (current !== undefined && current.name !== '')
        entries.set(current.name, { ...current.entry, sha256: hash?.digest('hex') })
    },
  })
  parser.write(readFileSync(path))
  parser.end()
  return entries
}
