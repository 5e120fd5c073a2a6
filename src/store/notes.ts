/** Notes on builds, for `--explain`: what each step's key was made of, and lists of the files that were copied. Only a memory: what is gone or torn is a miss. */
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { Digest } from '../core/digest.ts'
import type { BuildNotes } from './contract.ts'
import { shardedPath } from './formats.ts'
import { type RecordParts, readRecord, writeRecord } from './records.ts'

const pack = promisify(gzip)
const unpack = promisify(gunzip)

/** A larger note is none of ours, in bytes. */
const sizeLimit = 256 << 20

/** The notes in a folder. */
export function openBuildNotes(parts: RecordParts): BuildNotes {
  const read = async (path: string): Promise<string | undefined> => {
    const bytes = await readRecord(path, true)
    if (bytes === undefined) return undefined
    try {
      return (await unpack(bytes, { maxOutputLength: sizeLimit })).toString('latin1')
    } catch {
      // Torn by a crash, or of another program: a miss either way.
      return undefined
    }
  }
  const write = async (path: string, text: string): Promise<void> =>
    writeRecord(path, await pack(Buffer.from(text, 'latin1'), { level: 1 }), parts)
  const notePath = (build: Digest): string => shardedPath(parts.dir, build, '.note.gz')
  const listPath = (selection: Digest): string => shardedPath(parts.dir, selection, '.list.gz')
  return {
    note: (build) => read(notePath(build)),
    putNote: (build, text) => write(notePath(build), text),
    list: (selection) => read(listPath(selection)),
    hasList: async (selection) => (await readRecord(listPath(selection), true, 0)) !== undefined,
    putList: (selection, text) => write(listPath(selection), text),
  }
}
