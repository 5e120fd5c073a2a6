/** Temp files of one build: what was not published is removed when the build ends. */
import { rm } from 'node:fs/promises'
import type { Store } from '../store/contract.ts'

/** A store whose temp files `clean` removes. */
export interface TrackedStore {
  readonly store: Store
  clean(this: void): Promise<void>
}

/** Remembers every temp path that is asked for. */
export function trackTemps(store: Store): TrackedStore {
  const paths: string[] = []
  const tempPath = (label: string): string => {
    const path = store.tempPath(label)
    paths.push(path)
    return path
  }
  return {
    store: { ...store, tempPath },
    clean: async () => {
      await Promise.all(paths.map((path) => rm(path, { recursive: true, force: true })))
    },
  }
}
