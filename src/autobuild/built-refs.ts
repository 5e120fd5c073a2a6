/** What was built last of each rule and ref, in memory and on the disk. */
import type { Repository } from './contract.ts'
import type { BuiltRef, BuiltRefs, StateFiles } from './state.ts'

/** The facts. Changes resolve when they are on the disk. */
export interface BuiltRefStore {
  /** By ref; undefined for a rule whose repository was never asked. */
  of(rule: string): Readonly<Record<string, BuiltRef>> | undefined
  note(rule: string, ref: string, built: BuiltRef): Promise<void>
  /** Drops refs that a repository has no more. Its rules are known from now on, also those that no ref fits. */
  keepFound(repository: Repository, found: ReadonlyMap<string, string>): Promise<void>
  /** Drops all other rules. */
  keepRules(keys: ReadonlySet<string>): Promise<void>
}

/** Reads the facts. */
export async function openBuiltRefs(files: Pick<StateFiles, 'readRefs' | 'writeRefs'>): Promise<BuiltRefStore> {
  let refs: BuiltRefs = await files.readRefs()
  let writing = Promise.resolve()
  const change = (next: BuiltRefs): Promise<void> => {
    refs = next
    writing = writing.catch(() => undefined).then(() => files.writeRefs(refs))
    return writing
  }
  return {
    of: (rule) => refs[rule],
    note: (rule, ref, built) => change({ ...refs, [rule]: { ...refs[rule], [ref]: built } }),
    keepFound: ({ rules }, found) => {
      const kept = rules.map(({ key }) => {
        const entries = Object.entries(refs[key] ?? {}).filter(([ref]) => found.has(ref))
        return [key, Object.fromEntries(entries)] as const
      })
      return change({ ...refs, ...Object.fromEntries(kept) })
    },
    keepRules: (keys) => change(Object.fromEntries(Object.entries(refs).filter(([key]) => keys.has(key)))),
  }
}
