/** Annotations of an image that is built, and where each belongs: manifest, index, or the descriptor that names either; pure. */
import { WherryError } from '../core/errors.ts'
import { type Platform, formatPlatform, parsePlatform } from './platform.ts'

/** What an annotation stands in. */
export const annotationScopes = ['manifest', 'manifest-descriptor', 'index', 'index-descriptor'] as const
export type AnnotationScope = (typeof annotationScopes)[number]

/** One annotation, for all platforms or for one. */
export interface Annotation {
  readonly scope: AnnotationScope
  /** As `formatPlatform` writes it. */
  readonly platform?: string
  readonly key: string
  readonly value: string
}

/**
 * Reads `--annotation`: `[SCOPE[PLATFORM],…:]KEY=VALUE`, `index,manifest[linux/amd64]:org.example=x` for instance. Without a scope it
 * is the manifest's.
 * @throws WherryError `usage`
 */
export function parseAnnotation(text: string, host: Platform): Annotation[] {
  const equals = text.indexOf('=')
  if (equals < 1) throw misuse(text, 'it is not KEY=VALUE')
  const [name, value] = [text.slice(0, equals), text.slice(equals + 1)]
  const colon = name.indexOf(':')
  if (colon < 0) return [{ scope: 'manifest', key: name, value }]
  const key = name.slice(colon + 1)
  if (key === '') throw misuse(text, 'it has no key')
  return name
    .slice(0, colon)
    .split(',')
    .map((place) => {
      const [, scope = '', platform] = /^([a-z-]+)(?:\[([A-Za-z0-9_/().+-]+)\])?$/.exec(place) ?? []
      return { ...target(scope, platform, { text, host }), key, value }
    })
}

/**
 * Reads an attribute of `--output`: `annotation[-SCOPE][[PLATFORM]].KEY`; undefined if it is none.
 * @throws WherryError `usage`
 */
export function parseAnnotationAttribute(name: string, value: string, host: Platform): Annotation | undefined {
  const [, scope = 'manifest', platform, key] =
    /^annotation(?:-([a-z-]+))?(?:\[([A-Za-z0-9_/().+-]+)\])?\.(\S+)$/.exec(name) ?? []
  if (key === undefined) return undefined
  return { ...target(scope, platform, { text: name, host }), key, value }
}

function target(
  scope: string,
  platform: string | undefined,
  { text, host }: { readonly text: string; readonly host: Platform },
): Pick<Annotation, 'scope' | 'platform'> {
  const known = annotationScopes.find((s) => s === scope)
  if (known === undefined) throw misuse(text, `"${scope}" is not a place for annotations`)
  if (platform === undefined) return { scope: known }
  if (known === 'index' || known === 'index-descriptor') throw misuse(text, 'an index is not of one platform')
  return { scope: known, platform: formatPlatform(parsePlatform(platform, host)) }
}

function misuse(text: string, why: string): WherryError {
  return new WherryError('usage', `the annotation "${text}" cannot be read: ${why}`, {
    hint: `Write [PLACE[[PLATFORM]]:]KEY=VALUE; places are ${annotationScopes.join(', ')}.`,
  })
}

/** What stands in one place, sorted by key: later annotations win, those for this very platform over those for all. */
export function annotationsAt(
  annotations: readonly Annotation[],
  scope: AnnotationScope,
  platform?: Platform,
): Record<string, string> {
  const name = platform && formatPlatform(platform)
  const here = annotations.filter((a) => a.scope === scope)
  const general = here.filter((a) => a.platform === undefined)
  const special = here.filter((a) => a.platform !== undefined && a.platform === name)
  const values = new Map([...general, ...special].map((a) => [a.key, a.value]))
  return Object.fromEntries([...values].sort(([a], [b]) => (a < b ? -1 : 1)))
}
