/** Names that a client may send: repositories, tags, digests. What passes here is safe as a file name. */
import { type Digest, isDigest } from '../core/digest.ts'
import { refuse } from './refusal.ts'

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`)
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/

/** Checks a repository name, at most 255 characters. @throws Refusal 400 NAME_INVALID */
export function checkRepository(name: string): string {
  if (name.length <= 255 && repositoryPattern.test(name)) return name
  throw refuse(400, 'NAME_INVALID', 'invalid repository name')
}

/** Checks a sha256 digest. @throws Refusal 400 DIGEST_INVALID */
export function checkDigest(text: string): Digest {
  if (isDigest(text)) return text
  throw refuse(400, 'DIGEST_INVALID', 'the digest is not sha256:<64 hexadecimal digits>')
}

/** Checks a tag or digest. @throws Refusal 400 MANIFEST_INVALID or DIGEST_INVALID */
export function checkReference(text: string): { readonly tag: string } | { readonly digest: Digest } {
  if (text.includes(':')) return { digest: checkDigest(text) }
  if (tagPattern.test(text)) return { tag: text }
  throw refuse(400, 'MANIFEST_INVALID', 'invalid tag')
}
