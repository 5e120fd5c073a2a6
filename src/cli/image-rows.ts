/** The rows of `wherry images`: one per name of an image, or one `<none>` for a dangling one; pure. */
import { WherryError } from '../core/errors.ts'
import { runtimeOf } from '../oci/config.ts'
import { familiarRepository, parseReference } from '../oci/reference.ts'
import { humanSince, humanSize } from '../ui/human.ts'
import type { ImageFacts } from './image-facts.ts'

/** A row with the field names of docker's `--format`. */
export interface ImageRow {
  readonly Repository: string
  readonly Tag: string
  readonly ID: string
  readonly Digest: string
  readonly CreatedAt: string
  readonly CreatedSince: string
  readonly Size: string
}

const none = '<none>'

/** The rows of one image; `nowMs` is the time that ages are counted to. */
export function imageRows(
  facts: ImageFacts,
  options: { readonly noTrunc: boolean; readonly nowMs: number },
): ImageRow[] {
  const { image } = facts
  const common = {
    ID: options.noTrunc ? image.id : image.id.slice('sha256:'.length).slice(0, 12),
    CreatedAt: facts.created ?? 'N/A',
    CreatedSince: humanSince(facts.created, options.nowMs),
    Size: humanSize(facts.size, 3),
  }
  const named = image.names.map((name) => {
    const reference = parseReference(name)
    const digest = image.repoDigests.find((d) => d.startsWith(`${reference.registry}/${reference.repository}@`))
    return {
      Repository: familiarRepository(reference),
      Tag: reference.tag ?? none,
      Digest: digest?.split('@')[1] ?? none,
      ...common,
    }
  })
  if (named.length > 0) return named
  const byDigest = image.repoDigests.map((d) => {
    const reference = parseReference(d)
    return { Repository: familiarRepository(reference), Tag: none, Digest: reference.digest ?? none, ...common }
  })
  return byDigest.length > 0 ? byDigest : [{ Repository: none, Tag: none, Digest: none, ...common }]
}

/** Keeps images for which it returns true, and of those the rows for which `row` does. */
export interface ImageFilter {
  readonly image: (facts: ImageFacts) => boolean
  readonly row: (row: ImageRow) => boolean
}

/**
 * Reads `--filter` values and the REPOSITORY[:TAG] argument; all must hold.
 * @throws WherryError `usage`
 */
export function parseImageFilters(filters: readonly string[], name: string | undefined): ImageFilter {
  const all = filters.map(parseImageFilter)
  if (name !== undefined) all.push({ image: () => true, row: matchesReference(name) })
  return { image: (facts) => all.every((f) => f.image(facts)), row: (row) => all.every((f) => f.row(row)) }
}

function parseImageFilter(filter: string): ImageFilter {
  const [key, ...rest] = filter.split('=') as [string, ...string[]]
  const value = rest.join('=')
  const any = (): boolean => true
  if (key === 'dangling' && /^(true|false|1|0)$/.test(value)) {
    const wanted = value === 'true' || value === '1'
    return { image: (facts) => (facts.image.names.length === 0) === wanted, row: any }
  }
  if (key === 'reference') return { image: any, row: matchesReference(value) }
  if (key === 'label') {
    const [label, text] = [value.split('=')[0]!, value.includes('=') ? value.slice(value.indexOf('=') + 1) : undefined]
    return {
      image: ({ config }) => {
        const { labels } = runtimeOf(config)
        return text === undefined ? label in labels : labels[label] === text
      },
      row: any,
    }
  }
  throw new WherryError('usage', `"${filter}" is not a filter of images`, {
    hint: 'The filters are dangling=true|false, reference=PATTERN, label=KEY[=VALUE].',
  })
}

/** `*` and `?` stay within a path component; without a tag every tag matches. */
function matchesReference(pattern: string): (row: ImageRow) => boolean {
  const glob = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
  const expression = new RegExp(`^${glob}$`)
  const short = pattern.replace(/^docker\.io\/(library\/)?/, '')
  return ({ Repository, Tag }) =>
    Repository === short ||
    expression.test(Repository) ||
    expression.test(`${Repository}:${Tag}`) ||
    `${Repository}:${Tag}` === short
}
