/** Choosing a snapshotter by its driver's name. */
import { mkdirSync } from 'node:fs'
import type { Snapshotter } from './contract.ts'
import { copySnapshotter } from './copy.ts'
import { type SnapshotterOptions, overlaySnapshotter } from './overlay.ts'

/** The snapshotter of a folder, which is made if absent. Drafts that dead processes left in it are removed. */
export async function createSnapshotter(
  driver: Snapshotter['driver'],
  dir: string,
  options: SnapshotterOptions = {},
): Promise<Snapshotter> {
  mkdirSync(dir, { recursive: true })
  return Promise.resolve(driver === 'overlay' ? overlaySnapshotter(dir, options) : copySnapshotter(dir))
}
