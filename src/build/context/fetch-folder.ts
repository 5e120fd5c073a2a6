/** Contexts that are not folders yet: git repositories, URLs and archives, put into temporary folders. */
import { chmod, copyFile, mkdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { fromText, toText } from '../../core/bytepath.ts'
import type { Digest } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { type GitRef, parseGitRef, withoutCredentials } from '../../dockerfile/git-ref.ts'
import { redactUrl } from '../../http/url.ts'
import type { Entry } from '../../oci/contents.ts'
import { mergeLayers } from '../../oci/tree-merge.ts'
import { download } from '../add-url.ts'
import { createPlacer } from '../copy/place.ts'
import type { BuildDeps } from '../deps.ts'
import type { Checkout } from '../git/checkout.ts'
import { openRepository } from '../git/repository.ts'
import type { Secrets } from '../inputs/secrets.ts'
import type { SshAgents } from '../inputs/ssh.ts'

/** What fetching needs. Temporary files are the store's: they go with the build. */
export interface Fetching {
  readonly deps: BuildDeps
  readonly secrets: Secrets
  readonly ssh?: SshAgents | undefined
  readonly scope: Scope
  /** Holds what the store remembers of downloads, until the build ends. */
  hold(...digests: Digest[]): Promise<void>
}

/** Name of the one file of a context that is no archive. */
export const loneFile = 'context'

/**
 * Checks out a repository. @throws WherryError `dockerfile-syntax` if the URL names none, and as `checkoutGit`
 */
export async function fetchGit(url: string, change: Partial<GitRef>, fetching: Fetching): Promise<Checkout> {
  const ref = parseGitRef(url, { shorthand: true })
  if (ref === undefined) throw new WherryError('context-invalid', `${withoutCredentials(url)} is no git repository`)
  return openRepository({ ...ref, ...change }, fetching).checkout()
}

/** Files that were fetched. */
export interface Fetched {
  readonly folder: string
  /** When they were made, in seconds since 1970, if that is known. */
  readonly time?: number
}

/**
 * Downloads a URL into a folder: unpacked if it is an archive and `unpack` is set, else the file itself under the name of `loneFile`.
 * @throws WherryError `context-invalid` for a malformed URL, `network`, `archive-invalid`
 */
export async function fetchUrl(
  url: string,
  { unpack }: { readonly unpack: boolean },
  fetching: Fetching,
): Promise<Fetched & { readonly isArchive: boolean }> {
  if (!URL.canParse(url)) throw new WherryError('context-invalid', `${redactUrl(url)} cannot be downloaded`)
  const { path, mtime } = await download(url, fetching)
  const modified = mtime > 0n ? { time: seconds(mtime) } : {}
  if (unpack) {
    const unpacked = await unpackArchive(toText(path), fetching)
    if (unpacked !== undefined) return { ...unpacked, ...modified, isArchive: true }
  }
  const folder = fetching.deps.store.tempPath('context')
  const file = join(folder, loneFile)
  await mkdir(folder, { mode: 0o755 })
  await copyFile(toText(path), file)
  // As BuildKit has downloaded files.
  await chmod(file, 0o600)
  await utimes(file, seconds(mtime), seconds(mtime))
  return { folder, ...modified, isArchive: false }
}

/**
 * Unpacks a tar, in any compression, as files of the caller: never outside the folder. Its time is that of its youngest file.
 * Undefined if the file is no archive.
 * @throws WherryError `archive-invalid`
 */
export async function unpackArchive(file: string, { deps, scope }: Fetching): Promise<Fetched | undefined> {
  const spoolPath = deps.store.tempPath('spool')
  const folder = deps.store.tempPath('context')
  const entries = await deps.pool.run('spool', { path: fromText(file), spoolPath }, scope)
  if (entries === undefined) return undefined
  const placer = createPlacer<number>(mergeLayers([]), { destination: '/', now: 0n })
  placer.unpack(entries, (entry) => entry.offset ?? 0)
  const items = placer.placed().map(({ entry, origin }) => ({
    entry: openToOwner(entry),
    source: origin === undefined ? undefined : { path: fromText(spoolPath), offset: origin },
  }))
  const left = await deps.pool.run('exportFolder', { items, folder: fromText(folder) }, scope)
  if (left > 0) scope.emit({ type: 'warning', message: `${left} device nodes and fifos of the context were left out` })
  return { folder, ...youngest(entries) }
}

/** Files that their owner cannot read could not be copied by a user without privileges, nor be removed after the build. */
function openToOwner(entry: Entry): Entry {
  if (entry.type === 'dir') return { ...entry, mode: entry.mode | 0o700 }
  return entry.type === 'file' ? { ...entry, mode: entry.mode | 0o400 } : entry
}

/** The time in seconds of the youngest regular file of an archive. */
export function youngest(entries: readonly Entry[]): { readonly time?: number } {
  const times = entries.filter((entry) => entry.type === 'file').map((entry) => entry.mtime)
  const last = times.reduce<bigint | undefined>((a, b) => (a === undefined || b > a ? b : a), undefined)
  return last === undefined ? {} : { time: seconds(last) }
}

function seconds(ns: bigint): number {
  return Number(ns / 1_000_000_000n)
}
