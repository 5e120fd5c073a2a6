/** The step cache: what a step made, by its key. */
import type { StepCache } from './contract.ts'
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
