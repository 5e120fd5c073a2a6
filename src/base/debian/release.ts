/** A suite's Release file: what it lists, and whether it is the suite that was asked for. https://wiki.debian.org/DebianRepository/Format */
import { WherryError } from '../../core/errors.ts'
import { type Stanza, parseStanzas } from './stanzas.ts'

/** A file that a Release vouches for. */
export interface ListedFile {
  /** Below the suite's folder. */
  readonly path: string
  readonly size: number
  /** Hexadecimal. */
  readonly sha256: string
}

/** A Release file that was read. */
export interface Release {
  readonly files: ReadonlyMap<string, ListedFile>
  /** True if files may be asked for by their digest, which holds while the mirror is being updated. */
  readonly byHash: boolean
}

/**
 * Reads a Release file whose signature was checked.
 * @param suite that was asked for: a file of another one, or one that is no longer valid, is refused, signed or not
 * @throws WherryError `archive-invalid`, `auth-failed`
 */
export function readRelease(text: string, suite: string, now: Date): Release {
  const [stanza] = [...parseStanzas(text)]
  if (stanza === undefined) throw new WherryError('archive-invalid', `the Release file of ${suite} is empty`)
  checkName(stanza, suite)
  checkDate(stanza, suite, now)
  const files = new Map<string, ListedFile>()
  for (const line of (stanza.get('SHA256') ?? '').split('\n')) {
    const [sha256 = '', size = '', path = ''] = line.trim().split(/\s+/)
    if (/^[0-9a-f]{64}$/.test(sha256) && path !== '') files.set(path, { path, size: Number(size), sha256 })
  }
  if (files.size === 0) {
    throw new WherryError('archive-invalid', `the Release file of ${suite} lists no files with SHA256 sums`)
  }
  return { files, byHash: stanza.get('Acquire-By-Hash') === 'yes' }
}

/** A mirror may hand out the signed file of an older suite. */
function checkName(stanza: Stanza, suite: string): void {
  const names = [stanza.get('Suite'), stanza.get('Codename')].filter((name) => name !== undefined)
  const last = suite.replace(/\/updates$/, '').replace(/\/+$/, '')
  if (names.length === 0 || names.some((name) => name === suite || name === last)) return
  throw new WherryError(
    'auth-failed',
    `the mirror gives the suite ${names.join(' or ')} where ${suite} was asked for`,
    {
      hint: 'Check the name of the suite and the mirror.',
    },
  )
}

/** Valid-Until keeps a mirror from holding back security updates. */
function checkDate(stanza: Stanza, suite: string, now: Date): void {
  const until = stanza.get('Valid-Until')
  if (until === undefined || !(Date.parse(until) < now.getTime())) return
  throw new WherryError('auth-failed', `the Release file of ${suite} was valid until ${until}`, {
    hint: 'The mirror is out of date: name another one with --mirror, or check the clock of this machine.',
  })
}

/** The listed form of a component's index that is smallest to fetch. @throws WherryError `archive-invalid` if there is none */
export function indexFile(release: Release, { component, architecture, suite }: IndexName): ListedFile {
  const base = `${component}/binary-${architecture}/Packages`
  const found = ['.xz', '.zst', '.gz', '.bz2', ''].flatMap((end) => release.files.get(base + end) ?? [])[0]
  if (found !== undefined) return found
  throw new WherryError('archive-invalid', `${suite} has no component ${component} for ${architecture}`, {
    hint: 'Check --components and --arch.',
  })
}

/** Names an index. */
export interface IndexName {
  readonly suite: string
  readonly component: string
  readonly architecture: string
}
