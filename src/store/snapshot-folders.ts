/** Where an image's layers are unpacked. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, hexOf } from '../core/digest.ts'
import { ifStillThere } from '../core/if-there.ts'
import { chainIdOf } from '../oci/image.ts'
import type { Store } from './contract.ts'
import { folders } from './formats.ts'

/** A root file system on disk. */
export interface SnapshotPlace {
  readonly driver: 'overlay' | 'copy'
  /** The top layer's folder first; for `copy` the one folder with everything. */
  readonly folders: readonly string[]
}

/** The snapshot of a stack of layers (lowest first), or undefined if it is not unpacked in any way of mapping ids. */
export async function snapshotPlace(
  store: Pick<Store, 'root'>,
  diffIds: readonly Digest[],
): Promise<SnapshotPlace | undefined> {
  const root = join(store.root, folders.snapshots)
  const chain = diffIds.map((_, i) => chainIdOf(diffIds.slice(0, i + 1))!).reverse()
  const [top] = chain
  if (top === undefined) return undefined
  for (const name of (await readdir(root)).sort()) {
    const [driver] = name.split('-')
    if (driver !== 'overlay' && driver !== 'copy') continue
    const fsOf = (id: Digest): string => join(root, name, hexOf(id), 'fs')
    if ((await ifStillThere(stat(fsOf(top)))) === undefined) continue
    if (driver === 'copy') return { driver, folders: [fsOf(top)] }
    const found = await Promise.all(chain.map(async (id) => ((await ifStillThere(stat(fsOf(id)))) ? [fsOf(id)] : [])))
    return { driver, folders: found.flat() }
  }
  return undefined
}
