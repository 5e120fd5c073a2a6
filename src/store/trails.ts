/** What the steps of builds made, for the image of each step; a record that cannot be read is none. */
import { rm } from 'node:fs/promises'
import type { Digest } from '../core/digest.ts'
import { mapLimit } from '../core/schedule.ts'
import type { StepTrail } from '../oci/steps.ts'
import type { TrailStore } from './contract.ts'
import { formatTrail, parseTrail } from './trail-format.ts'
import { shardedPath } from './formats.ts'
import { type RecordParts, readRecord, writeRecord } from './records.ts'

/** A longer record is not kept, in bytes: a Dockerfile would have to set thousands of long variables. */
const sizeLimit = 4 << 20

/** The trails in a folder. */
export function openTrailStore(parts: RecordParts): TrailStore {
  const pathOf = (id: Digest): string => shardedPath(parts.dir, id, '.json')
  const read = async (path: string): Promise<StepTrail | undefined> => {
    const text = await readRecord(path, false)
    return text && parseTrail(text.toString('utf8'))
  }
  return {
    get: (id) => read(pathOf(id)),
    async put(trail) {
      const path = pathOf(trail.id)
      if ((await readRecord(path, true, 0)) !== undefined) return
      const text = formatTrail(trail)
      if (text.length <= sizeLimit) await writeRecord(path, text, parts)
    },
    async list() {
      const { listSharded } = await import('./found.ts')
      const found = await mapLimit(await listSharded(parts.dir, '.json'), 16, ({ path }) => read(path))
      return found.filter((trail) => trail !== undefined)
    },
    remove: (id) => rm(pathOf(id), { force: true }),
  }
}
