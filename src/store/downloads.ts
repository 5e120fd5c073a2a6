/** What URLs gave when they were last downloaded, so that a server can be asked whether that still holds. */
import { digestOf } from '../core/digest.ts'
import type { DownloadCache } from './contract.ts'
import { formatDownloadRecord, parseDownloadRecord, shardedPath } from './formats.ts'
import { type RecordParts, readRecord, writeRecord } from './records.ts'

/** The records in a folder, named by the digest of the URL: a URL may hold a password. */
export function openDownloadCache(parts: RecordParts): DownloadCache {
  const pathOf = (url: string): string => shardedPath(parts.dir, digestOf(url), '.json')
  return {
    async get(url) {
      const text = await readRecord(pathOf(url), true)
      return text === undefined ? undefined : parseDownloadRecord(text.toString('utf8'))
    },
    put: (url, record) => writeRecord(pathOf(url), formatDownloadRecord(record), parts),
  }
}
