/** Times of sources, for a SOURCE_DATE_EPOCH that names one instead of giving seconds. */
import type { BytePath } from '../core/bytepath.ts'
import { WherryError } from '../core/errors.ts'
import type { EpochSource } from '../plan/contract.ts'
import { download } from './add-url.ts'
import type { Session } from './engine.ts'

/**
 * The time in seconds: when a server says that its file was changed, else that of the youngest file in the archive that it is. A
 * folder has none.
 * @throws WherryError `network`, `not-implemented` for git
 */
export async function sourceEpoch(
  source: EpochSource,
  session: Pick<Session, 'deps' | 'scope' | 'hold'>,
): Promise<number | undefined> {
  if (source.kind === 'context') return undefined
  if (source.kind === 'git') {
    throw new WherryError('not-implemented', 'SOURCE_DATE_EPOCH from a git commit is not implemented yet', {
      hint: 'Give the seconds: SOURCE_DATE_EPOCH=$(git log -1 --format=%ct).',
    })
  }
  const { path, mtime, sha256 } = await download(source.url, session, { checksum: source.checksum })
  if (source.checksum !== undefined && source.checksum !== `sha256:${sha256}`) {
    throw new WherryError('digest-mismatch', `${source.url} has the digest sha256:${sha256}, not ${source.checksum}`)
  }
  return seconds(mtime > 0n ? mtime : await youngestFile(path, session))
}

/** Modification time in nanoseconds of the youngest regular file in an archive; undefined if the file is no archive. */
async function youngestFile(
  path: BytePath,
  { deps, scope }: Pick<Session, 'deps' | 'scope'>,
): Promise<bigint | undefined> {
  const spoolPath = deps.store.tempPath('epoch')
  const entries = await deps.pool.run('spool', { path, spoolPath }, scope)
  const times = (entries ?? []).filter((entry) => entry.type === 'file').map((entry) => entry.mtime)
  return times.reduce<bigint | undefined>((a, b) => (a === undefined || b > a ? b : a), undefined)
}

function seconds(mtime: bigint | undefined): number | undefined {
  return mtime === undefined ? undefined : Number(mtime / 1_000_000_000n)
}
