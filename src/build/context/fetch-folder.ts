/** Contexts that are not folders yet: git repositories, URLs and archives, put into temporary folders. */
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fromText, toText } from '../../core/bytepath.ts'
import type { Digest } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { type GitRef, parseGitRef } from '../../dockerfile/git-ref.ts'
import { mergeLayers } from '../../oci/tree-merge.ts'
import { download } from '../add-url.ts'
import { createPlacer } from '../copy/place.ts'
import type { BuildDeps } from '../deps.ts'
import { checkoutGit } from '../git/checkout.ts'
import { gitSettings } from '../git/settings.ts'
import type { Secrets } from '../inputs/secrets.ts'

/** What fetching needs. Temporary files are the store's: they go with the build. */
export interface Fetching {
  readonly deps: BuildDeps
  readonly secrets: Secrets
  readonly scope: Scope
  /** Holds what the store remembers of downloads, until the build ends. */
  hold(...digests: Digest[]): Promise<void>
}

/** Name of the one file of a context that is no archive. */
export const loneFile = 'context'

/**
 * Checks out a repository. @throws WherryError `dockerfile-syntax` if the URL names none, and as `checkoutGit`
 */
export async function fetchGit(url: string, change: Partial<GitRef>, fetching: Fetching): Promise<string> {
  const ref = parseGitRef(url, { shorthand: true })
  if (ref === undefined) throw new WherryError('context-invalid', `${url} is no git repository`)
  const { deps, secrets, scope } = fetching
  const settings = await gitSettings(ref.remote, { env: deps.env, secrets }, scope)
  const { folder } = await checkoutGit({ ...ref, ...change }, deps.store.tempPath('git'), settings)
  return folder
}

/**
 * Downloads a URL into a folder: unpacked if it is an archive, else the file itself under the name of `loneFile`.
 * @throws WherryError `network`, `archive-invalid`
 */
export async function fetchUrl(url: string, fetching: Fetching): Promise<{ folder: string; isArchive: boolean }> {
  const { path } = await download(url, fetching)
  const folder = fetching.deps.store.tempPath('context')
  if (await unpackArchive(toText(path), folder, fetching)) return { folder, isArchive: true }
  await mkdir(folder)
  await copyFile(toText(path), join(folder, loneFile))
  return { folder, isArchive: false }
}

/**
 * Unpacks a tar, in any compression, as files of the caller: never outside the folder. False if the file is no archive.
 * @throws WherryError `archive-invalid`
 */
export async function unpackArchive(file: string, folder: string, { deps, scope }: Fetching): Promise<boolean> {
  const spoolPath = deps.store.tempPath('spool')
  const entries = await deps.pool.run('spool', { path: fromText(file), spoolPath }, scope)
  if (entries === undefined) return false
  const placer = createPlacer<number>(mergeLayers([]), { destination: '/', now: 0n })
  placer.unpack(entries, (entry) => entry.offset ?? 0)
  const items = placer.placed().map(({ entry, origin }) => ({
    entry,
    source: origin === undefined ? undefined : { path: fromText(spoolPath), offset: origin },
  }))
  const left = await deps.pool.run('exportFolder', { items, folder: fromText(folder) }, scope)
  if (left > 0) scope.emit({ type: 'warning', message: `${left} device nodes and fifos of the context were left out` })
  return true
}
