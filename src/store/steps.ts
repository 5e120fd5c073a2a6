/** The step cache: what a step made, by its key. */
import { mapLimit } from '../core/schedule.ts'
import type { StepCache, StoredStep } from './contract.ts'
import { formatStepRecord, parseStepRecord, shardedPath } from './formats.ts'
import { type RecordParts, readRecord, writeRecord } from './records.ts'

/** The step cache in a folder. */
export function openStepCache(parts: RecordParts): StepCache {
  return {
    async get(key) {
      const text = await readRecord(shardedPath(parts.dir, key, '.json'), true)
      return text === undefined ? undefined : parseStepRecord(text.toString('utf8'))
    },
    put: (key, record) => writeRecord(shardedPath(parts.dir, key, '.json'), formatStepRecord(record), parts),
  }
}

/** Every record of a step cache that can be read. */
export async function listSteps(dir: string): Promise<readonly StoredStep[]> {
  const { listSharded } = await import('./found.ts')
  const steps = await mapLimit(await listSharded(dir, '.json'), 16, async ({ path, digest, used }) => {
    const text = await readRecord(path, false)
    const record = text && parseStepRecord(text.toString('utf8'))
    return record ? [{ key: digest, record, lastUsed: used }] : []
  })
  return steps.flat()
}
