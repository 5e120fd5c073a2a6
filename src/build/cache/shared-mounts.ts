/** Cache mounts that machines can share: those that begin as an empty folder. */
import type { CacheMount, Plan } from '../../plan/contract.ts'
import type { CacheBeginnings } from '../inputs/cache-beginnings.ts'
import { type MountForm, cacheIdOf } from '../steps/cache-id.ts'

/** A cache mount of a build, with its id on this machine. */
export interface SharedMount extends MountForm {
  readonly ownId: string
  /** True if a step of this build ran with it. */
  readonly hasRun: boolean
}

/** True for a cache mount that begins empty. */
export function isShareable({ seed }: Pick<CacheMount, 'seed'>): boolean {
  return seed === undefined
}

/** The cache mounts that the steps of a plan have and that can be shared, each once. `ran` has the own ids of those that steps ran with. */
export async function sharedMounts(
  { steps }: Pick<Plan, 'steps'>,
  { ran, beginnings }: { readonly ran: ReadonlySet<string>; readonly beginnings: CacheBeginnings },
): Promise<readonly SharedMount[]> {
  const wanted = new Map<string, SharedMount>()
  for (const step of steps.values()) {
    for (const mount of step.kind === 'run' ? step.mounts : []) {
      if (mount.type !== 'cache' || !isShareable(mount)) continue
      const ownId = await cacheIdOf(mount, { fresh: step.fresh }, beginnings)
      const { id, mode, uid, gid } = mount
      wanted.set(ownId, { id, mode, uid, gid, ownId, hasRun: ran.has(ownId) })
    }
  }
  return [...wanted.values()].sort((a, b) => (a.ownId < b.ownId ? -1 : 1))
}
