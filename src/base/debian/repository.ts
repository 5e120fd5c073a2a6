/** Fetching from Debian mirrors: Release files, indexes and packages, each checked by what vouches for it. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { decompress } from '../../archive/decompress.ts'
import { sniffCompression } from '../../archive/detect.ts'
import { WherryError, errnoOf } from '../../core/errors.ts'
import { mapLimit } from '../../core/schedule.ts'
import type { Scope } from '../../core/scope.ts'
import type { HttpClient } from '../../http/client.ts'
import { discard } from '../../http/message.ts'
import { redactUrl } from '../../http/url.ts'
import type { Lease, Store } from '../../store/contract.ts'
import { type DebianPackage, indexFields, packageOf } from './package.ts'
import { type ListedFile, type Release, indexFile, readRelease } from './release.ts'
import { type SignatureCheck, type SignedRelease, verifiedText } from './signature.ts'
import type { Source } from './sources.ts'
import { readStanzas } from './stanzas.ts'

/** What fetching works with. */
export interface Repository {
  readonly http: HttpClient
  readonly store: Store
  /** Holds what is fetched. */
  readonly lease: Lease
  /** Undefined: nothing vouches for the Release files. */
  readonly check: SignatureCheck | undefined
}

/** A file that is expected, by its sum. */
interface Expected {
  readonly url: string
  readonly size: number
  readonly sha256: string
}

/** Downloads at once. */
const parallel = 6

/** Release files are held in memory, in bytes. */
const maxRelease = 64 << 20

/**
 * The packages of a source for an architecture.
 * @throws WherryError `network`, `auth-failed`, `archive-invalid`, `digest-mismatch`
 */
export async function readIndexes(
  source: Source,
  architecture: string,
  { repository, scope }: { readonly repository: Repository; readonly scope: Scope },
): Promise<DebianPackage[]> {
  const { mirror, suite, components } = source
  const folder = `${mirror}/dists/${suite}`
  const release = await fetchRelease(source, repository, scope)
  const lists = await mapLimit(components, parallel, async (component) => {
    const listed = indexFile(release, { suite, component, architecture })
    const path = await obtain(indexAt(folder, listed, release), { repository, scope })
    const { kind, source: whole } = await sniffCompression(createReadStream(path, { highWaterMark: 1 << 20 }))
    const packages: DebianPackage[] = []
    for await (const stanza of readStanzas(decompress(whole, kind, { signal: scope.signal }), indexFields)) {
      const found = packageOf(stanza, mirror)
      if (found !== undefined) packages.push(found)
    }
    return packages
  })
  return lists.flat()
}

/** By its digest a file can be had while the mirror is being updated. */
function indexAt(folder: string, { path, size, sha256 }: ListedFile, { byHash }: Release): Expected {
  const named = byHash ? `${path.slice(0, path.lastIndexOf('/'))}/by-hash/SHA256/${sha256}` : path
  return { url: `${folder}/${named}`, size, sha256 }
}

async function fetchRelease({ mirror, suite }: Source, { http, check }: Repository, scope: Scope): Promise<Release> {
  const folder = `${mirror}/dists/${suite}`
  const signed = await signedRelease(folder, { http, inline: check?.program !== 'sqv' }, scope)
  const name = `${suite} at ${redactUrl(new URL(mirror))}`
  const text =
    check === undefined ? plainText(signed) : await verifiedText(signed, check, { name, signal: scope.signal })
  return readRelease(text, suite, new Date())
}

async function signedRelease(
  folder: string,
  { http, inline }: { readonly http: HttpClient; readonly inline: boolean },
  scope: Scope,
): Promise<SignedRelease> {
  const get = (name: string): Promise<Buffer | undefined> => fetchSmall(`${folder}/${name}`, http, scope)
  const [first, second] = inline ? ([tryInline, tryDetached] as const) : ([tryDetached, tryInline] as const)
  const found = (await first(get)) ?? (await second(get))
  if (found !== undefined) return found
  throw new WherryError('network', `${redactUrl(new URL(folder))} has neither InRelease nor Release with a signature`, {
    hint: 'Check the name of the suite; a suite that is no longer kept is at http://archive.debian.org/debian or http://old-releases.ubuntu.com/ubuntu: --mirror URL.',
  })
}

type Get = (name: string) => Promise<Buffer | undefined>

async function tryInline(get: Get): Promise<SignedRelease | undefined> {
  const bytes = await get('InRelease')
  return bytes === undefined ? undefined : { kind: 'inline', bytes }
}

async function tryDetached(get: Get): Promise<SignedRelease | undefined> {
  const [bytes, signature] = await Promise.all([get('Release'), get('Release.gpg')])
  return bytes === undefined ? undefined : { kind: 'detached', bytes, signature: signature ?? Buffer.alloc(0) }
}

/** The text of a file whose signature nobody checks. RFC 9580, section 7. */
function plainText({ kind, bytes }: SignedRelease): string {
  const text = bytes.toString()
  if (kind === 'detached' || !text.startsWith('-----BEGIN PGP SIGNED MESSAGE-----')) return text
  const begin = text.search(/\r?\n\r?\n/)
  const end = text.indexOf('\n-----BEGIN PGP SIGNATURE-----')
  return text
    .slice(begin, end < 0 ? undefined : end)
    .replace(/^- /gm, '')
    .trimStart()
}

async function fetchSmall(url: string, http: HttpClient, scope: Scope): Promise<Buffer | undefined> {
  const body = await openUrl(url, http, scope)
  if (body === undefined) return undefined
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxRelease) throw new WherryError('archive-invalid', `${redactUrl(new URL(url))} is too large`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The bytes at a URL; undefined if there is nothing. @throws WherryError `network`, `io` */
async function openUrl(url: string, http: HttpClient, scope: Scope): Promise<Readable | undefined> {
  const at = new URL(url)
  if (at.protocol === 'file:') {
    const path = fileURLToPath(at)
    try {
      if (!(await stat(path)).isFile()) return undefined
    } catch (cause) {
      if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return undefined
      throw new WherryError('io', `cannot read ${path}: ${String(cause)}`, { cause })
    }
    return createReadStream(path)
  }
  const response = await http.request({ method: 'GET', url: at }, scope.signal)
  if (response.status === 200) return response.body
  discard(response)
  if (response.status === 404 || response.status === 410) return undefined
  throw new WherryError('network', `${redactUrl(at)} answers with status ${response.status}`, {
    hint: 'Try again later, or another mirror: --mirror URL.',
  })
}

/** The file of the expected sum in the store, fetched if it is not there yet. Returns its path. */
async function obtain(
  { url, size, sha256 }: Expected,
  { repository, scope }: { readonly repository: Repository; readonly scope: Scope },
): Promise<string> {
  const { store, http, lease } = repository
  const digest = `sha256:${sha256}` as const
  await lease.hold(digest)
  if ((await store.blobs.sizeOf(digest)) !== size) {
    const body = await openUrl(url, http, scope)
    if (body === undefined) {
      throw new WherryError('network', `${redactUrl(new URL(url))} is not there, though the mirror lists it`, {
        hint: 'The mirror may be in the middle of an update: try again later, or another one.',
      })
    }
    await store.blobs.write(body, { digest, size })
    await store.downloads.put(url, { digest, size })
  }
  return store.blobs.pathOf(digest)
}

/**
 * Fetches packages, several at a time; their files' paths, in the same order.
 * @throws WherryError `network`, `digest-mismatch`, `cancelled`
 */
export async function fetchPackages(
  packages: readonly DebianPackage[],
  { repository, scope }: { readonly repository: Repository; readonly scope: Scope },
): Promise<string[]> {
  const id = 'packages'
  const total = packages.reduce((sum, p) => sum + p.size, 0)
  const begin = performance.now()
  let current = 0
  scope.emit({ type: 'transfer-started', id, kind: 'download', subject: `${packages.length} packages`, total })
  const end = (outcome: 'done' | 'failed'): void => {
    const durationMs = Math.round(performance.now() - begin)
    scope.emit({ type: 'transfer-finished', id, outcome, bytes: current, durationMs })
  }
  try {
    const paths = await mapLimit(packages, parallel, async ({ mirror, filename, size, sha256 }) => {
      const path = await obtain({ url: `${mirror}/${filename}`, size, sha256 }, { repository, scope })
      current += size
      scope.emit({ type: 'transfer-progress', id, current, total })
      return path
    })
    end('done')
    return paths
  } catch (error) {
    end('failed')
    throw error
  }
}
