/** Times of sources, for a SOURCE_DATE_EPOCH that names one instead of giving seconds. */
import { WherryError } from '../core/errors.ts'
import { parseGitRef } from '../dockerfile/git-ref.ts'
import { redactUrl } from '../http/url.ts'
import type { EpochSource } from '../plan/contract.ts'
import { download } from './add-url.ts'
import { type Fetching, youngest } from './context/fetch-folder.ts'
import type { BuildRequest } from './contract.ts'
import { openRepository } from './git/repository.ts'

/** Where the contexts come from. */
export interface EpochPlaces {
  /** The time of the build context, in seconds since 1970. */
  readonly contextTime?: number
  readonly contexts?: BuildRequest['contexts']
}

/**
 * The time in seconds: that of a commit, else when a server says that its file was changed, else that of the youngest file in the
 * archive that it is. A folder has none, and neither has an image.
 * @throws WherryError `network`, `digest-mismatch`; as `resolveRef`
 */
export async function sourceEpoch(
  source: EpochSource,
  { contextTime, contexts }: EpochPlaces,
  fetching: Fetching,
): Promise<number | undefined> {
  switch (source.kind) {
    case 'context': {
      if (source.name === undefined) return contextTime
      const value = contexts?.[source.name] ?? ''
      const git = parseGitRef(value)
      if (git !== undefined) return openRepository(git, fetching).time()
      return /^https?:\/\//.test(value) ? downloadTime({ url: value }, fetching) : undefined
    }
    case 'git':
      return openRepository(source.git, fetching).time()
    case 'url':
      return downloadTime(source, fetching)
  }
}

async function downloadTime(
  { url, checksum }: { readonly url: string; readonly checksum?: string },
  fetching: Fetching,
): Promise<number | undefined> {
  const { path, mtime, sha256 } = await download(url, fetching, { checksum })
  if (checksum !== undefined && checksum !== `sha256:${sha256}`) {
    throw new WherryError('digest-mismatch', `${redactUrl(url)} has the digest sha256:${sha256}, not ${checksum}`)
  }
  if (mtime > 0n) return Number(mtime / 1_000_000_000n)
  const { deps, scope } = fetching
  const entries = await deps.pool.run('spool', { path, spoolPath: deps.store.tempPath('epoch') }, scope)
  return entries === undefined ? undefined : youngest(entries).time
}
