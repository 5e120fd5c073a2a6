/** Image references: `[registry/]repository[:tag][@digest]`. Grammar of distribution/reference. */
import { type Digest, isDigest } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'

/** A parsed reference. At least one of tag and digest is set. */
export interface Reference {
  /** `docker.io`, `localhost:5000`. */
  readonly registry: string
  /** `library/debian`. */
  readonly repository: string
  readonly tag?: string
  readonly digest?: Digest
}

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`)
const tagPattern = /^\w[\w.-]{0,127}$/
const hostPattern = /^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::\d+)?$/

/**
 * Parses a reference as docker does: `debian` is `docker.io/library/debian:latest`.
 * @throws WherryError `reference-invalid`
 */
export function parseReference(text: string): Reference {
  const fail = (why: string): never => {
    throw new WherryError('reference-invalid', `"${text}" is not an image reference: ${why}`)
  }
  const [name, digest, ...rest] = text.split('@') as [string, string?, ...string[]]
  if (rest.length > 0) return fail('more than one @')
  if (digest !== undefined && !isDigest(digest)) return fail('the digest is not sha256:<64 hexadecimal digits>')
  const { registry, path } = splitRegistry(name)
  const colon = path.lastIndexOf(':')
  const tag = colon < 0 ? undefined : path.slice(colon + 1)
  const bare = colon < 0 ? path : path.slice(0, colon)
  const repository = registry === 'docker.io' && !bare.includes('/') ? `library/${bare}` : bare
  if (bare === '') return fail('the repository is empty')
  if (bare !== bare.toLowerCase()) return fail('the repository must be lowercase')
  if (!repositoryPattern.test(repository)) return fail('the repository has a character that is not allowed')
  if (repository.length > 255) return fail('the repository is longer than 255 characters')
  if (tag !== undefined && !tagPattern.test(tag))
    return fail('the tag has a character that is not allowed, or is too long')
  if (!hostPattern.test(registry)) return fail('the registry is not a host name')
  return {
    registry,
    repository,
    ...(tag === undefined && digest !== undefined ? {} : { tag: tag ?? 'latest' }),
    ...(digest && { digest }),
  }
}

function splitRegistry(name: string): { registry: string; path: string } {
  const slash = name.indexOf('/')
  const head = name.slice(0, slash)
  const isHost = slash > 0 && (/[.:]/.test(head) || head === 'localhost' || head !== head.toLowerCase())
  if (!isHost) return { registry: 'docker.io', path: name }
  return { registry: head === 'index.docker.io' ? 'docker.io' : head, path: name.slice(slash + 1) }
}

/** The full form: registry, repository, tag, digest. */
export function formatReference(reference: Reference): string {
  const { registry, repository, tag, digest } = reference
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

/** The short form that docker shows: without `docker.io/library/`. */
export function familiarReference(reference: Reference): string {
  return formatReference(reference).replace(/^docker\.io\/(library\/)?/, '')
}

/** The short form of registry and repository alone. */
export function familiarRepository(reference: Pick<Reference, 'registry' | 'repository'>): string {
  return `${reference.registry}/${reference.repository}`.replace(/^docker\.io\/(library\/)?/, '')
}
