/** What the last builds told: one compressed record each, the youngest of them kept. Only a memory: what is gone or torn is a miss. */
import { randomBytes } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { ifStillThere } from '../core/if-there.ts'
import type { BuildRecords } from './contract.ts'
import { type RecordParts, readRecord, writeRecord } from './records.ts'

const pack = promisify(gzip)
const unpack = promisify(gunzip)

/** How many records stay. */
export const keptBuilds = 30

/** A larger record is none of ours, in bytes. */
const sizeLimit = 64 << 20

const extension = '.json.gz'
const idPattern = /^\d{8}-\d{6}-[0-9a-f]{6}$/

/** The records in a folder. */
export function openBuildRecords(parts: RecordParts): BuildRecords {
  const list = async (): Promise<string[]> => {
    const names = (await ifStillThere(readdir(parts.dir))) ?? []
    const ids = names.filter((name) => name.endsWith(extension)).map((name) => name.slice(0, -extension.length))
    return ids
      .filter((id) => idPattern.test(id))
      .sort()
      .reverse()
  }
  const pathOf = (id: string): string => join(parts.dir, `${id}${extension}`)
  return {
    list,
    async get(id) {
      if (!idPattern.test(id)) return undefined
      const bytes = await readRecord(pathOf(id), false)
      if (bytes === undefined) return undefined
      try {
        return (await unpack(bytes, { maxOutputLength: sizeLimit })).toString('utf8')
      } catch {
        // Torn by a crash, or of another program: a miss either way.
        return undefined
      }
    },
    async put(startedAt, text) {
      const id = idOf(startedAt)
      await writeRecord(pathOf(id), await pack(text, { level: 1 }), parts)
      for (const old of (await list()).slice(keptBuilds)) await rm(pathOf(old), { force: true })
      return id
    },
  }
}

/** `20260131-154500-1f0c9a`: sorted by name they are in the order of their beginnings, in UTC. */
function idOf(startedAt: Date): string {
  const [day = '', time = ''] = startedAt.toISOString().replace(/[-:]/g, '').split('T')
  return `${day}-${time.slice(0, 6)}-${randomBytes(3).toString('hex')}`
}
