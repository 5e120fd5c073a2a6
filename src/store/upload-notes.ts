/**
 * Where uploads stand, for the process after this one: a file each among the store's temp files, with the process that uploads and
 * the URL at which its session continues. Nobody takes a note from a process that still lives; a day untouched, and it is swept.
 */
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf, hexOf } from '../core/digest.ts'
import { ifStillThere } from '../core/if-there.ts'
import { ownedName, ownerIsDead } from '../host/owner.ts'
import type { UploadNotes } from './contract.ts'

/** The URL of a session is good for writing to it. */
const fileMode = 0o600

/** The notes in the folder of temp files. */
export function openUploadNotes(tmpDir: string, tempPath: (label: string) => string): UploadNotes {
  const pathOf = (upload: string): string => join(tmpDir, `uploading-${hexOf(digestOf(upload))}`)
  return {
    async take(upload) {
      const path = pathOf(upload)
      const [text, found] = await Promise.all([ifStillThere(readFile(path, 'utf8')), ifStillThere(stat(path))])
      const [owner = '', url = ''] = text?.split('\n') ?? []
      if (found === undefined || url === '' || !ownerIsDead(owner, found.mtimeMs)) return undefined
      const mine = tempPath('upload')
      // Of several that find it one has it.
      const isMine = await ifStillThere(rename(path, mine).then(() => true))
      await rm(mine, { force: true })
      return isMine === true ? url : undefined
    },
    async put(upload, url) {
      const temp = tempPath('upload')
      await writeFile(temp, `${ownedName('upload')}\n${url}\n`, { mode: fileMode })
      await rename(temp, pathOf(upload))
    },
    drop: (upload) => rm(pathOf(upload), { force: true }),
  }
}
