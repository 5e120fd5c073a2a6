/** Which packages make up a system: those of a variant, those asked for, and all that they depend on. */
import { WherryError } from '../../core/errors.ts'
import { type Alternative, type Clause, type DebianPackage, parseDependencies } from './package.ts'
import { compareVersions, versionFits } from './version.ts'

/** debootstrap's and mmdebstrap's words for how much is installed. */
export const variants = [
  'essential',
  'apt',
  'required',
  'minbase',
  'buildd',
  'important',
  'debootstrap',
  'standard',
] as const

/** One of `variants`. */
export type Variant = (typeof variants)[number]

/** Everything that can be had for one architecture. */
export interface Universe {
  /** The latest version of each. */
  readonly byName: ReadonlyMap<string, DebianPackage>
  /** Packages that provide a name, with the version that they provide it in. */
  readonly providers: ReadonlyMap<string, readonly { readonly by: DebianPackage; readonly version?: string }[]>
  /** What the suite itself (not its updates) lists: it says what is essential and how important each is. */
  readonly ofSuite: readonly DebianPackage[]
}

/** Makes a universe of the packages of several indexes, the suite's own first. */
export function universeOf(indexes: readonly (readonly DebianPackage[])[]): Universe {
  const byName = new Map<string, DebianPackage>()
  for (const candidate of indexes.flat()) {
    const known = byName.get(candidate.name)
    if (known === undefined || compareVersions(candidate.version, known.version) > 0)
      byName.set(candidate.name, candidate)
  }
  const providers = new Map<string, { by: DebianPackage; version?: string }[]>()
  for (const by of byName.values()) {
    for (const [provided] of parseDependencies(by.provides)) {
      if (provided === undefined) continue
      const list = providers.get(provided.name) ?? []
      list.push(provided.version === undefined ? { by } : { by, version: provided.version.wanted })
      providers.set(provided.name, list)
    }
  }
  return { byName, providers, ofSuite: indexes[0] ?? [] }
}

/** What was chosen. */
export interface Selection {
  /** The essential packages and all that they depend on: these must be unpacked before anything can be installed. */
  readonly essential: readonly DebianPackage[]
  /** Everything, these included. */
  readonly all: readonly DebianPackage[]
  /** Names of those that are there only because another one needs them; apt may remove them with it. */
  readonly automatic: readonly string[]
}

/**
 * Chooses the packages of a variant and of `include`, with their dependencies; recommendations are left out.
 * @throws WherryError `usage` for an unknown name, `build-failed` for a dependency that nothing satisfies
 */
export function selectPackages(
  universe: Universe,
  { variant, include }: { readonly variant: Variant; readonly include: readonly string[] },
): Selection {
  const latest = (p: DebianPackage): DebianPackage => universe.byName.get(p.name) ?? p
  const essential = universe.ofSuite.filter((p) => p.essential).map(latest)
  const wanted = universe.ofSuite.filter((p) => isWanted(p, variant)).map(latest)
  const extra = [
    ...(needsApt(variant) ? ['apt'] : []),
    ...(variant === 'buildd' ? ['build-essential'] : []),
    ...include,
  ]
  const named = extra.map((name) => universe.byName.get(name) ?? unknown(name))
  const core = closure(universe, essential, [...essential, ...wanted, ...named])
  const roots = [...core, ...wanted, ...named]
  const all = closure(universe, roots, [])
  const asked = new Set(roots.map((p) => p.name))
  return { essential: core, all, automatic: all.map((p) => p.name).filter((name) => !asked.has(name)) }
}

function isWanted({ priority }: DebianPackage, variant: Variant): boolean {
  switch (variant) {
    case 'essential':
    case 'apt':
      return false
    case 'required':
    case 'minbase':
    case 'buildd':
      return priority === 'required'
    case 'important':
    case 'debootstrap':
      return priority === 'required' || priority === 'important'
    case 'standard':
      return ['required', 'important', 'standard'].includes(priority)
  }
}

function needsApt(variant: Variant): boolean {
  return variant !== 'essential'
}

function unknown(name: string): never {
  throw new WherryError('usage', `there is no package "${name}" in the suite`, {
    hint: 'Another component may have it: --components main,contrib,non-free.',
  })
}

/**
 * The packages and all that they need. A clause is looked at when all `roots` are in, so that what is wanted anyway is chosen
 * before another alternative; `preferred` are those that come later.
 */
function closure(
  universe: Universe,
  roots: readonly DebianPackage[],
  preferred: readonly DebianPackage[],
): DebianPackage[] {
  const chosen = new Map(roots.map((p) => [p.name, p]))
  const liked = new Map(preferred.map((p) => [p.name, p]))
  const queue = [...chosen.values()]
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const clause of clausesOf(next)) {
      if (clause.some((a) => isMet(a, chosen, universe))) continue
      const found = choose(clause, universe, liked) ?? unmet(next, clause)
      chosen.set(found.name, found)
      queue.push(found)
    }
  }
  return [...chosen.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Everything that must hold before the package works. */
export function clausesOf({ preDepends, depends }: DebianPackage): Clause[] {
  return [...parseDependencies(preDepends), ...parseDependencies(depends)]
}

/** True if one of the chosen packages satisfies the alternative, by its own name or by what it provides. */
export function isMet(
  { name, version }: Alternative,
  chosen: ReadonlyMap<string, DebianPackage>,
  universe: Universe,
): boolean {
  const own = chosen.get(name)
  if (own !== undefined && (version === undefined || versionFits(own.version, version.relation, version.wanted)))
    return true
  return providersOf({ name, ...(version && { version }) }, universe).some((p) => chosen.has(p.name))
}

function providersOf({ name, version }: Alternative, { providers }: Universe): DebianPackage[] {
  const fitting = (providers.get(name) ?? []).filter(
    (p) =>
      version === undefined || (p.version !== undefined && versionFits(p.version, version.relation, version.wanted)),
  )
  return fitting.map((p) => p.by)
}

const priorities = ['required', 'important', 'standard', 'optional', 'extra']

function choose(
  clause: Clause,
  universe: Universe,
  liked: ReadonlyMap<string, DebianPackage>,
): DebianPackage | undefined {
  const candidates = clause.flatMap((alternative) => {
    const { name, version } = alternative
    const own = universe.byName.get(name)
    const fits =
      own !== undefined && (version === undefined || versionFits(own.version, version.relation, version.wanted))
    const others = providersOf(alternative, universe).sort(
      (a, b) => priorities.indexOf(a.priority) - priorities.indexOf(b.priority) || (a.name < b.name ? -1 : 1),
    )
    return [...(fits ? [own] : []), ...others]
  })
  // Folders are merged before the first package comes: the package that would merge them has nothing to do, and needs more.
  const merged = candidates.find((p) => p.name === 'usr-is-merged')
  return candidates.find((p) => liked.has(p.name)) ?? merged ?? candidates[0]
}

function unmet(by: DebianPackage, clause: Clause): never {
  const wanted = clause.map(({ name, version }) =>
    version === undefined ? name : `${name} (${version.relation} ${version.wanted})`,
  )
  throw new WherryError('build-failed', `${by.name} needs ${wanted.join(' or ')}, which the suite does not have`, {
    hint: 'The mirror may lack a component or be in the middle of an update.',
  })
}
