/** Packages as an archive's index lists them, and what they depend on. deb-control(5), Debian Policy chapter 7. */
import type { Stanza } from './stanzas.ts'
import type { Relation } from './version.ts'

/** A name that can satisfy a dependency. */
export interface Alternative {
  readonly name: string
  readonly version?: { readonly relation: Relation; readonly wanted: string }
}

/** Any one of these. */
export type Clause = readonly Alternative[]

/** A package that can be had. */
export interface DebianPackage {
  readonly name: string
  readonly version: string
  readonly architecture: string
  readonly essential: boolean
  readonly priority: string
  readonly preDepends: string
  readonly depends: string
  readonly provides: string
  /** Path below the mirror. */
  readonly filename: string
  readonly size: number
  /** Hexadecimal. */
  readonly sha256: string
  /** URL of the mirror that has it. */
  readonly mirror: string
}

/** The fields of an index that matter here: an index has 60,000 stanzas, most of whose text is of no use. */
export const indexFields: ReadonlySet<string> = new Set([
  'Package',
  'Version',
  'Architecture',
  'Essential',
  'Priority',
  'Pre-Depends',
  'Depends',
  'Provides',
  'Filename',
  'Size',
  'SHA256',
])

/** The package of an index's stanza; undefined if it lacks what is needed to fetch and check it. */
export function packageOf(stanza: Stanza, mirror: string): DebianPackage | undefined {
  const field = (name: string): string => stanza.get(name) ?? ''
  const size = Number(field('Size'))
  const sha256 = field('SHA256').toLowerCase()
  if (field('Package') === '' || field('Filename') === '' || !/^[0-9a-f]{64}$/.test(sha256)) return undefined
  if (!Number.isSafeInteger(size) || field('Filename').split('/').includes('..')) return undefined
  return {
    name: field('Package'),
    version: field('Version'),
    architecture: field('Architecture'),
    essential: field('Essential') === 'yes',
    priority: field('Priority'),
    preDepends: field('Pre-Depends'),
    depends: field('Depends'),
    provides: field('Provides'),
    filename: field('Filename'),
    size,
    sha256,
    mirror,
  }
}

/** The clauses of a dependency field: all must hold. Architecture qualifiers are dropped: there is one architecture. */
export function parseDependencies(text: string): Clause[] {
  const clauses = text.split(',').map((clause) => clause.split('|').flatMap(parseAlternative))
  return clauses.filter((clause) => clause.length > 0)
}

function parseAlternative(text: string): Alternative[] {
  const parts =
    /^\s*([A-Za-z0-9][A-Za-z0-9+.-]*)(?::[a-z0-9-]+)?\s*(?:\(\s*(<<|<=|=|>=|>>|<|>)\s*([^)\s]+)\s*\))?/.exec(text)
  const name = parts?.[1]
  if (name === undefined) return []
  const [, , sign, wanted] = parts ?? []
  if (sign === undefined || wanted === undefined) return [{ name }]
  // The old one-character forms mean "or equal".
  const relation = (sign === '<' ? '<=' : sign === '>' ? '>=' : sign) as Relation
  return [{ name, version: { relation, wanted } }]
}
