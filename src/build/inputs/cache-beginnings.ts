/** When cache mounts of a given mode and owner were begun: as in BuildKit, --no-cache begins them anew. */
import { type Digest, digestOf } from '../../core/digest.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import type { Store } from '../../store/contract.ts'

/** Tells caches of one id apart. */
export interface CacheBeginnings {
  /** A short name for the cache that begins as `what` says; with `fresh` a new one for this build and those after it. */
  nameOf(what: Json, fresh: boolean): Promise<string>
}

/** Beginnings, remembered in a store's records. */
export function openCacheBeginnings(steps: Store['steps']): CacheBeginnings {
  const known = new Map<Digest, Promise<string>>()
  const begin = async (key: Digest, fresh: boolean): Promise<string> => {
    const record = fresh ? undefined : await steps.get(key)
    if (record !== undefined) return record.createdAt
    const createdAt = new Date().toISOString()
    await steps.put(key, { createdAt, fidelity: 'exact', description: 'beginning of a cache mount' })
    return createdAt
  }
  return {
    nameOf: async (what, fresh) => {
      const key = digestOf(canonicalJson({ kind: 'cache', what }))
      const begun = known.get(key) ?? begin(key, fresh)
      known.set(key, begun)
      return digestOf(`${key} ${await begun}`).slice('sha256:'.length, 'sha256:'.length + 12)
    },
  }
}
