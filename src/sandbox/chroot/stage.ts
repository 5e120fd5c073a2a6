/**
 * Without mounts, what a step is to see at a path of its root file system takes the place of what is there, and afterwards
 * leaves it again: names are moved, nothing is copied or written over. What was there waits in a folder beside the root, out
 * of the step's sight, and so does what the step left in such places.
 *
 * The folders that hold these places stay open meanwhile, since the step may move them or put links in their way; and they get
 * the times back that they would have without all this. A journal says what belongs elsewhere, for when wherry is killed.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, lstatSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { asWherryError, errnoOf } from '../../core/errors.ts'
import { setTimes } from '../../host/files.ts'
import { ownedName } from '../../host/owner.ts'
import { requireTool } from '../../host/tools.ts'

/** What stands at paths for the time of a step. Paths are on disk, without any symbolic link, and there is something at each. */
export interface Stage {
  /** Folder of this step's own, out of its sight, on the root's file system. */
  readonly aside: string
  /** Puts something made in `aside` at a path; what it becomes is dropped. */
  show(made: string, path: string): void
  /** Puts a file, folder or socket at a path, and brings back what it became. */
  lend(source: string, path: string): void
  /** Puts everything back. No process of the step may run any more: one with a folder that is moved could leave its root. */
  clear(this: void): void
}

interface Place {
  /** Descriptor of the folder that holds it. */
  readonly parent: number
  readonly name: string
  /** Where what was there waits. */
  readonly saved: string
  /** Where what stands there belongs. */
  readonly home?: string
}

const pathOnlyFolder = 0o10000000 | 0o200000

/** The file with the journal, in a stage's folder. */
export const journalName = 'journal'

/** One thing that is lent. */
export interface Lent {
  /** On disk, without any symbolic link when it was put there. */
  readonly path: string
  readonly home: string
}

/** Opens a stage for a step in the root file system at `root`. */
export function openStage(root: string): Stage {
  const aside = join(dirname(root), ownedName('stage'))
  mkdirSync(aside, { mode: 0o700 })
  const places: Place[] = []
  const lent: Lent[] = []
  let count = 0
  const fresh = (): string => join(aside, `was-${count++}`)

  function put(source: string, path: string, home?: string): void {
    const parent = openSync(dirname(path), pathOnlyFolder)
    const name = basename(path)
    const before = timesOf(parent)
    const place: Place = { parent, name, saved: fresh(), home }
    move(at(place), place.saved)
    places.push(place)
    move(source, at(place))
    setTimes(folderOf(parent), before)
  }
  return {
    aside,
    show: (made, path) => put(made, path),
    lend: (source, path) => {
      lent.push({ path, home: source })
      writeFileSync(join(aside, journalName), JSON.stringify(lent))
      put(source, path, source)
    },
    clear: () => {
      const times = places.map(({ parent }) => timesOf(parent))
      const failures = places.toReversed().flatMap((place) => failureOf(() => putBack(place, fresh())))
      places.forEach(({ parent }, i) => setTimes(folderOf(parent), times[i] ?? timesOf(parent)))
      for (const { parent } of places.splice(0)) closeSync(parent)
      for (const failure of failures) throw failure
      rmSync(join(aside, journalName), { force: true })
    },
  }
}

/** One that fails does not keep the others from being put back. */
function failureOf(work: () => void): Error[] {
  try {
    work()
    return []
  } catch (error) {
    return [asWherryError(error)]
  }
}

function putBack(place: Place, dropped: string): void {
  // The step may have taken it away, or put something else there.
  if (lstatSync(at(place), { throwIfNoEntry: false }) !== undefined) move(at(place), place.home ?? dropped)
  // Its folder may be gone: then so would this be.
  if (lstatSync(folderOf(place.parent)).nlink > 0) move(place.saved, at(place))
}

function at({ parent, name }: Pick<Place, 'parent' | 'name'>): string {
  return `/proc/self/fd/${parent}/${name}`
}

function folderOf(parent: number): Buffer {
  return Buffer.from(`/proc/self/fd/${parent}/.`)
}

function timesOf(parent: number): { readonly mtime: bigint; readonly atime: bigint } {
  const { mtimeNs, atimeNs } = lstatSync(folderOf(parent), { bigint: true })
  return { mtime: mtimeNs, atime: atimeNs }
}

/** Renames, or where that would be to another file system, copies and deletes. */
function move(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error
    const { status, stderr } = spawnSync(requireTool('mv'), ['-T', '--', from, to], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`cannot move ${from} to ${to}: ${stderr.trim()}`, { cause: error })
  }
}
