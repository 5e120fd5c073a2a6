/**
 * A tar of images as files by name. Nothing of it is ever unpacked under its own names: entries are found in a list and read from
 * the one file that the archive is, or was decompressed to.
 */
import { createReadStream } from 'node:fs'
import { open, rm, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { decompress } from '../archive/decompress.ts'
import { sniffCompression } from '../archive/detect.ts'
import { TarParser, type TarSink } from '../archive/tar-read.ts'
import { cleanArchivePath, escapes } from '../archive/tar-meta.ts'
import { type BytePath, fromText, toText } from '../core/bytepath.ts'
import { WherryError, errnoOf } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import type { Store } from '../store/contract.ts'

/** A file of an archive. */
export interface ArchiveEntry {
  readonly offset: number
  /** Bytes. */
  readonly size: number
}

/** An archive whose files can be read in any order. */
export interface ArchiveFile {
  /** For messages. */
  readonly label: string
  /** The file of this name, through links inside the archive; undefined if there is none. */
  find(name: string): ArchiveEntry | undefined
  /** A file's bytes, not checked. */
  read(entry: ArchiveEntry): Readable
  /** Removes what was decompressed. */
  close(): Promise<void>
}

/** Where an archive comes from: a path, or a stream. */
export type ArchiveOrigin =
  | { readonly label: string; readonly path: string }
  | { readonly label: string; readonly stream: Readable }

/** Far more than any honest archive of images has. */
const maxEntries = 100_000
const maxNameBytes = 16 << 20
const maxLinks = 8

/** What archives of images never have is often in those of file systems. */
const hint = 'The tar of a file system is for `wherry import`.'

/**
 * Opens an archive in any compression. A plain file is read in place; anything else is written once to a temp file of the store.
 * @throws WherryError `io`, `archive-invalid` (also for names that lead out of it, and for names that are there twice), `archive-unsupported`, `cancelled`
 */
export async function openArchive(
  origin: ArchiveOrigin,
  store: Pick<Store, 'tempPath'>,
  scope: Scope,
): Promise<ArchiveFile> {
  const { label } = origin
  const path = 'path' in origin ? origin.path : undefined
  const isFile = path !== undefined && (await isPlainFile(path))
  const stream = 'stream' in origin ? origin.stream : createReadStream(origin.path, { highWaterMark: 1 << 20 })
  try {
    const { kind, source } = await sniffCompression(stream)
    const bytes = decompress(source, kind, { signal: scope.signal })
    if (isFile && kind === 'none') return archiveOf({ label, path, list: await listed(bytes) })
    const temp = store.tempPath('archive')
    return archiveOf({ label, path: temp, list: await spooled(bytes, temp), temp })
  } catch (error) {
    throw inArchive(error, label)
  } finally {
    stream.destroy()
  }
}

async function isPlainFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (cause) {
    throw new WherryError('io', `cannot read ${path} (${errnoOf(cause) ?? ''})`, { cause })
  }
}

function inArchive(error: unknown, label: string): unknown {
  if (error instanceof WherryError) {
    const { code, message, hint } = error
    return new WherryError(code, `${label}: ${message}`, { hint, cause: error })
  }
  const code = errnoOf(error)
  if (code?.startsWith('E') !== true) return error
  return new WherryError('io', `cannot read ${label}, or write what it holds to the store (${code})`, { cause: error })
}

/** The entries of an archive, while it is read and afterwards. */
interface Listing extends TarSink {
  readonly files: ReadonlyMap<BytePath, ArchiveEntry>
  readonly links: ReadonlyMap<BytePath, BytePath>
}

async function listed(bytes: AsyncIterable<Uint8Array>): Promise<Listing> {
  const listing = newListing()
  const parser = new TarParser(listing, { maxEntries, refuseParents: true })
  for await (const chunk of bytes) parser.write(chunk)
  parser.end()
  return listing
}

async function spooled(bytes: AsyncIterable<Uint8Array>, temp: string): Promise<Listing> {
  const handle = await open(temp, 'wx', 0o600)
  async function* written(): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      await handle.writeFile(chunk)
      yield chunk
    }
  }
  try {
    return await listed(written())
  } catch (error) {
    await rm(temp, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

function newListing(): Listing {
  const files = new Map<BytePath, ArchiveEntry>()
  const links = new Map<BytePath, BytePath>()
  let nameBytes = 0
  return {
    files,
    links,
    entry({ path, type, size, link = '' }, offset) {
      if (type === 'dir') return
      nameBytes += path.length + link.length
      if (nameBytes > maxNameBytes) throw new WherryError('archive-invalid', 'its names are too long all together')
      if (files.has(path) || links.has(path)) {
        throw new WherryError('archive-invalid', `it has "${toText(path)}" twice`, { hint })
      }
      if (type === 'file' && offset !== undefined) files.set(path, { offset, size })
      else if (type === 'symlink' || type === 'hardlink') links.set(path, targetOf(path, type, link))
      else
        throw new WherryError('archive-unsupported', `"${toText(path)}" is no plain file, as images have them`, {
          hint,
        })
    },
    data: () => undefined,
    entryEnd: () => undefined,
  }
}

/** Archives of old have each layer once, and links to it. */
function targetOf(path: BytePath, type: 'symlink' | 'hardlink', link: BytePath): BytePath {
  if (type === 'hardlink') return link
  const whole = `${path.slice(0, path.lastIndexOf('/') + 1)}${link}`
  if (!link.startsWith('/') && !escapes(whole)) return cleanArchivePath(whole)
  throw new WherryError('archive-invalid', `"${toText(path)}" is a link that leads out of the archive`, { hint })
}

function archiveOf(from: {
  readonly label: string
  readonly path: string
  readonly list: Listing
  readonly temp?: string
}): ArchiveFile {
  const { label, path, list, temp } = from
  return {
    label,
    find(name) {
      let at = cleanArchivePath(fromText(name))
      for (let followed = 0; followed < maxLinks && list.links.has(at); followed++) at = list.links.get(at)!
      return list.files.get(at)
    },
    read: ({ offset, size }) =>
      size === 0
        ? Readable.from([], { objectMode: false })
        : createReadStream(path, { start: offset, end: offset + size - 1, highWaterMark: 1 << 20 }),
    close: async () => {
      if (temp !== undefined) await rm(temp, { force: true })
    },
  }
}
