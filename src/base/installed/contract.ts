/** The packages that are installed on a machine, whoever manages them. */
import type { BytePath } from '../../core/bytepath.ts'

/** Read access to a package manager's database, as it was when it was opened. */
export interface InstalledPackages {
  /** `dpkg` or `rpm`. */
  readonly manager: string
  has(name: string): boolean
  /** The packages and all that they depend on, sorted; what is not installed is passed over. */
  withDependencies(names: readonly string[]): string[]
  /** `name version` for people. */
  describe(name: string): string
  /** Absolute paths of a package's files and folders. */
  files(name: string): readonly BytePath[]
  /** Links that stand for one of several programs (update-alternatives), with the file that each leads to. */
  readonly links: readonly { readonly link: BytePath; readonly target: BytePath }[]
}

/** A package and what it says of others, for `dependencyClosure`. */
export interface Needs {
  readonly name: string
  /** Clauses of which each wants one of several names. */
  readonly needs: readonly (readonly string[])[]
}

/**
 * The packages and all that they need, sorted. `providers` gives the packages that a name stands for, the best first.
 */
export function dependencyClosure<T extends Needs>(
  roots: readonly T[],
  providers: (name: string) => readonly T[],
): T[] {
  const found = new Set(roots)
  for (const next of found) {
    for (const clause of next.needs) {
      const candidates = clause.flatMap(providers)
      const first = candidates[0]
      if (first !== undefined && !candidates.some((candidate) => found.has(candidate))) found.add(first)
    }
  }
  return [...found].sort((a, b) => (a.name < b.name ? -1 : 1))
}
