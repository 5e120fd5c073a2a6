/** The ids by which cache mounts are told apart on this machine. */
import type { Digest } from '../../core/digest.ts'
import type { CacheMount } from '../../plan/contract.ts'
import type { CacheBeginnings } from '../inputs/cache-beginnings.ts'

/** What a cache mount begins as, beside its seed. */
export type MountForm = Pick<CacheMount, 'id' | 'mode' | 'uid' | 'gid'>

/** True for a cache mount with the default mode and owner: if it begins empty, its id is all that tells it apart. */
export function hasDefaults({ mode, uid, gid }: MountForm): boolean {
  return mode === 0o755 && uid === 0 && gid === 0
}

/**
 * The id of a cache mount here: caches that begin differently are different ones, as in BuildKit.
 * @param from layers of the tree that it begins as, and whether it is to begin anew
 */
export async function cacheIdOf(
  { id, mode, uid, gid }: MountForm,
  { stack, fresh }: { readonly stack?: readonly Digest[] | undefined; readonly fresh: boolean },
  beginnings: CacheBeginnings,
): Promise<string> {
  if (stack === undefined && hasDefaults({ id, mode, uid, gid })) return id
  const begins = { id, stack: [...(stack ?? [])], mode, uid, gid }
  return `${id}@${await beginnings.nameOf(begins, fresh)}`
}
