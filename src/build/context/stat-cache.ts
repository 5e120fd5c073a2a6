/**
 * The stat cache: content hashes of a context's files by path and stat, so that a file which did not change is not read again.
 * One file per context. It is only a cache: one that is torn, of another version or of another context counts as empty.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { BytePath } from '../../core/bytepath.ts'
import { errnoOf } from '../../core/errors.ts'

/** What must be the same for a file to count as unchanged. */
export interface Stamp {
  readonly ino: bigint
  readonly size: number
  /** Nanoseconds since 1970, as the next one. */
  readonly mtime: bigint
  readonly ctime: bigint
}

export interface StatCache {
  /** The hexadecimal sha256 of the file, if its stamp is the recorded one. */
  get(path: BytePath, stamp: Stamp): string | undefined
  /**
   * Records a hash. `hashingBegan` is the time in nanoseconds right before the file was opened. A file that changed so shortly
   * before that a later change could leave the same stamp is not recorded (git's "racy" rule).
   */
  put(path: BytePath, hash: { readonly stamp: Stamp; readonly sha256: string; readonly hashingBegan: bigint }): void
  /** Writes what was recorded, atomically, if anything was. @throws system errors */
  save(): void
}

const version = 'wherry-stat-cache 1'

/** The clock's grain: a tick of the kernel's coarse clock where times have fractions, two seconds (FAT) where they have none. */
const fineGrain = 50_000_000n
const coarseGrain = 2_000_000_000n
const second = 1_000_000_000n

/** Entries of files that were not asked for in this run are kept (other targets use them), but not without bound. */
const maxUnusedPerUsed = 4
const alwaysKept = 10_000

/** Opens the cache in `file` (read now) of the context at `directory`. */
export function openStatCache(file: string, directory: BytePath): StatCache {
  const header = `${version} ${directory}`
  const records = load(file, header)
  const used = new Set<BytePath>()
  let changed = false
  return {
    get(path, stamp) {
      const record = records.get(path)
      if (record?.slice(65) !== fingerprint(stamp)) return undefined
      used.add(path)
      return record.slice(0, 64)
    },
    put(path, { stamp, sha256, hashingBegan }) {
      changed = true
      used.add(path)
      if (isRacy(stamp, hashingBegan)) records.delete(path)
      else records.set(path, `${sha256} ${fingerprint(stamp)}`)
    },
    save() {
      if (!changed) return
      if (records.size > used.size * maxUnusedPerUsed + alwaysKept) {
        for (const path of records.keys()) if (!used.has(path)) records.delete(path)
      }
      store(file, header, records)
      changed = false
    },
  }
}

/** Only the change time counts: it cannot be set back, and every change of content moves it. */
function isRacy({ ctime }: Stamp, hashingBegan: bigint): boolean {
  const grain = ctime % second === 0n ? coarseGrain : fineGrain
  return ctime + grain > hashingBegan
}

function fingerprint({ ino, size, mtime, ctime }: Stamp): string {
  return `${ino} ${size} ${mtime} ${ctime}`
}

/** NUL-separated records, as names can hold anything else: header, one `sha256 fingerprint /path` each, and a checksum of it all. */
function load(file: string, header: string): Map<BytePath, string> {
  const records = new Map<BytePath, string>()
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    // Absent or unreadable: a cache that cannot be used is an empty one.
    if (errnoOf(error) === undefined) throw error
    return records
  }
  const end = bytes.length - 64
  const [first, ...rest] = bytes.toString('latin1').slice(0, Math.max(end, 0)).split('\0')
  if (first !== header || checksum(bytes.subarray(0, end)) !== bytes.toString('latin1', end)) return records
  for (const record of rest) {
    const slash = record.indexOf('/')
    if (slash > 0) records.set(record.slice(slash + 1), record.slice(0, slash - 1))
  }
  return records
}

function store(file: string, header: string, records: ReadonlyMap<BytePath, string>): void {
  const lines = [header]
  for (const [path, record] of records) lines.push(`${record} /${path}`)
  const body = Buffer.from(`${lines.join('\0')}\0`, 'latin1')
  const temp = `${file}.${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    writeFileSync(temp, Buffer.concat([body, Buffer.from(checksum(body), 'latin1')]), { mode: 0o600, flag: 'wx' })
    renameSync(temp, file)
  } catch (error) {
    rmSync(temp, { force: true })
    throw error
  }
}

function checksum(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
