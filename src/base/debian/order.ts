/** In which order packages are installed: what must work before another is unpacked comes first. Debian Policy 7.2. */
import { clausesOf, isMet, type Selection, type Universe } from './select.ts'
import { type DebianPackage, parseDependencies } from './package.ts'

/**
 * Groups of packages; each is unpacked and configured before the next. The essential packages, which are unpacked already, are
 * the first group; those that others need working at the time of unpacking (Pre-Depends) come before these.
 */
export function installGroups({ essential, all }: Selection, universe: Universe): DebianPackage[][] {
  const done = new Set(essential.map((p) => p.name))
  const rest = all.filter((p) => !done.has(p.name))
  const nested: DebianPackage[][] = [rest]
  for (let inner = rest; ; ) {
    const needed = withNeeds(
      inner.flatMap((p) => preDependencies(p, rest, universe)),
      rest,
      universe,
    )
    if (needed.length === 0 || needed.length === inner.length) break
    nested.push(needed)
    inner = needed
  }
  const groups: DebianPackage[][] = [[...essential]]
  for (const set of nested.reverse()) {
    const group = set.filter((p) => !done.has(p.name))
    for (const { name } of group) done.add(name)
    if (group.length > 0) groups.push(group)
  }
  return groups
}

function preDependencies(
  { preDepends }: DebianPackage,
  among: readonly DebianPackage[],
  universe: Universe,
): DebianPackage[] {
  return parseDependencies(preDepends).flatMap((clause) =>
    among.filter((p) => clause.some((a) => isMet(a, new Map([[p.name, p]]), universe))),
  )
}

/** The packages and all that they depend on, as far as it is among those. */
function withNeeds(
  roots: readonly DebianPackage[],
  among: readonly DebianPackage[],
  universe: Universe,
): DebianPackage[] {
  const found = new Set(roots)
  for (const next of found) {
    const clauses = clausesOf(next)
    for (const p of among) {
      if (found.has(p)) continue
      const alone = new Map([[p.name, p]])
      if (clauses.some((clause) => clause.some((a) => isMet(a, alone, universe)))) found.add(p)
    }
  }
  return [...found]
}
