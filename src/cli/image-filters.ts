/** `--filter` and the REPOSITORY[:TAG] argument of `wherry images`, and the label filters of `prune`. */
import { WherryError } from '../core/errors.ts'
import { goMatch } from '../dockerfile/go-match.ts'
import { runtimeOf } from '../oci/config.ts'
import { type ImageFacts, createdMs } from './image-facts.ts'
import type { ImageRow } from './image-rows.ts'
import { parseTime } from './time-filter.ts'

/** Keeps images for which it returns true, and of those the rows for which `row` does. */
export interface ImageFilter {
  readonly image: (facts: ImageFacts) => boolean
  readonly row: (row: ImageRow) => boolean
}

/** What filters are read with. */
export interface FilterParts {
  readonly nowMs: number
  /** When the image that `before` or `since` names was made, in milliseconds since 1970. */
  createdOf(query: string): Promise<number>
}

const any = (): boolean => true

/**
 * Reads filters. Of several patterns of `reference` one must fit, all else must hold together.
 * @throws WherryError `usage`, `image-not-found`
 */
export async function parseImageFilters(
  filters: readonly string[],
  name: string | undefined,
  parts: FilterParts,
): Promise<ImageFilter> {
  const pairs = filters.map(splitFilter)
  const all = await Promise.all(
    pairs.filter(({ key }) => key !== 'reference').map(async (pair) => imageFilter(pair, parts)),
  )
  const patterns = pairs.filter(({ key }) => key === 'reference').map(({ value }) => matchesReference(value))
  const named = name === undefined ? any : matchesReference(name)
  return {
    image: (facts) => all.every((holds) => holds(facts)),
    row: (row) => named(row) && (patterns.length === 0 || patterns.some((fits) => fits(row))),
  }
}

interface Pair {
  readonly filter: string
  readonly key: string
  readonly value: string
}

function splitFilter(filter: string): Pair {
  const equals = filter.indexOf('=')
  if (equals > 0) return { filter, key: filter.slice(0, equals).trim().toLowerCase(), value: filter.slice(equals + 1) }
  throw unknownFilter(filter)
}

function unknownFilter(filter: string): WherryError {
  return new WherryError('usage', `"${filter}" is not a filter of images`, {
    hint: 'The filters are dangling=true|false, label=KEY[=VALUE], before=IMAGE, since=IMAGE, until=TIME, reference=PATTERN.',
  })
}

async function imageFilter({ filter, key, value }: Pair, parts: FilterParts): Promise<ImageFilter['image']> {
  switch (key) {
    case 'dangling':
      return danglingFilter(value, filter)
    case 'label':
      return hasLabel(value)
    case 'before': {
      const limit = await parts.createdOf(value)
      return (facts) => createdMs(facts) < limit
    }
    case 'since': {
      const limit = await parts.createdOf(value)
      return (facts) => createdMs(facts) > limit
    }
    case 'until': {
      const limit = parseTime(value, parts.nowMs, `--filter "${filter}"`)
      return (facts) => createdMs(facts) < limit
    }
    default:
      throw unknownFilter(filter)
  }
}

/** As docker has it, an image that is only known by a digest is neither kind's exception: it has no tag, but a reference. */
function danglingFilter(value: string, filter: string): ImageFilter['image'] {
  if (/^(true|1)$/i.test(value)) return ({ image }) => image.names.length === 0
  if (/^(false|0)$/i.test(value)) return ({ image }) => image.names.length + image.repoDigests.length > 0
  throw unknownFilter(filter)
}

/** `KEY` or `KEY=VALUE`. */
export function hasLabel(wanted: string): ImageFilter['image'] {
  const equals = wanted.indexOf('=')
  return ({ config }) => {
    const { labels } = runtimeOf(config)
    return equals < 0 ? wanted in labels : labels[wanted.slice(0, equals)] === wanted.slice(equals + 1)
  }
}

/** `*` and `?` stay within a path component; without a tag every tag matches. @throws WherryError `usage` */
function matchesReference(pattern: string): (row: ImageRow) => boolean {
  const short = pattern.replace(/^docker\.io\/(library\/)?/, '')
  const fits = (reference: string): boolean => reference === short || goMatch(short, reference)
  try {
    goMatch(short, '')
  } catch (cause) {
    throw new WherryError('usage', `"${pattern}" is not a pattern of image references`, { cause })
  }
  return ({ Repository, Tag, Digest }) =>
    fits(Repository) || fits(`${Repository}:${Tag}`) || fits(`${Repository}@${Digest}`)
}
