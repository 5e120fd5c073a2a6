/** Which owner each file was to have: those of the layers below a run, and those that its processes asked for. */
import { type FileStatus, type ShownOwner, parseStatx, statxBytes } from '../../host/status.ts'
import { cString } from '../../host/libc.ts'
import type { LowerOwner, RecordedOwner } from '../contract.ts'

/** What a run's processes see. */
export interface WatchedRun {
  /** Path of its root file system. */
  readonly root: string
  readonly lower: readonly LowerOwner[]
}

/** Owners by file; those of a run are known by its file system. */
export interface OwnerBook {
  watch(this: void, id: number, run: WatchedRun): void
  /** What was asked for in a run, by `ino:birthtimeNs`, which ends it. */
  take(this: void, id: number): [identity: string, owner: RecordedOwner][]
  /** What was asked for so far in a run, which goes on. */
  look(this: void, id: number): [identity: string, owner: RecordedOwner][]
  /** The owner to show, unless it is 0:0. */
  find(this: void, file: FileStatus): ShownOwner | undefined
  record(this: void, file: FileStatus, owner: RecordedOwner): void
  /** Changes halves that are not -1. Where nothing is known the others stay -1: the layer knows what a new file has. */
  change(
    this: void,
    file: FileStatus,
    wanted: { readonly before: FileStatus; readonly uid: number; readonly gid: number },
  ): void
}

interface Run {
  readonly dev: bigint
  /** By device and inode. */
  readonly lower: ReadonlyMap<string, LowerOwner>
}

/** An empty book. */
export function createOwnerBook(): OwnerBook {
  const runs = new Map<number, Run>()
  const byDevice = new Map<bigint, Map<string, RecordedOwner>>()

  function known(file: FileStatus): RecordedOwner | undefined {
    const recorded = byDevice.get(file.dev)?.get(identity(file))
    if (recorded !== undefined) return recorded
    const key = `${file.dev}:${file.ino}`
    for (const { lower } of runs.values()) {
      const found = lower.get(key)
      if (found !== undefined && (found.birth === undefined || found.birth === file.birth)) return found
    }
    return undefined
  }
  function record(file: FileStatus, owner: RecordedOwner): void {
    const files = byDevice.get(file.dev) ?? new Map<string, RecordedOwner>()
    byDevice.set(file.dev, files)
    files.set(identity(file), owner)
  }
  return {
    record,
    change: (file, { before, uid, gid }) => {
      const { device, ...old } = known(before) ?? { uid: -1, gid: -1 }
      record(file, { uid: uid === -1 ? old.uid : uid, gid: gid === -1 ? old.gid : gid, ...(device && { device }) })
    },
    watch: (id, { root, lower }) => {
      const bytes = statxBytes({ path: cString(root), follow: true })
      const dev = bytes === undefined ? 0n : parseStatx(bytes).dev
      runs.set(id, { dev, lower: new Map(lower.map((file) => [`${file.dev}:${file.ino}`, file])) })
    },
    take: (id) => {
      const dev = runs.get(id)?.dev
      runs.delete(id)
      const others = new Set([...runs.values()].map((run) => run.dev))
      const owners = [...byDevice].flatMap(([at, files]) => (at === dev || !others.has(at) ? [...files] : []))
      for (const at of byDevice.keys()) if (!others.has(at) && (at === dev || others.size === 0)) byDevice.delete(at)
      return owners
    },
    look: (id) => {
      const dev = runs.get(id)?.dev
      const others = new Set([...runs].filter(([its]) => its !== id).map(([, run]) => run.dev))
      return [...byDevice].flatMap(([at, files]) => (at === dev || !others.has(at) ? [...files] : []))
    },
    find: (file) => {
      const owner = known(file)
      return owner && { ...owner, uid: Math.max(owner.uid, 0), gid: Math.max(owner.gid, 0) }
    },
  }
}

function identity({ ino, birth }: FileStatus): string {
  return `${ino}:${birth}`
}
