/** What becomes of a checkout's files: no traces of git, the commit's times, one subfolder. */
import { lstat, lutimes, readdir, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { WherryError } from '../../core/errors.ts'

/** Leaves nothing in .git that differs from clone to clone but times. */
export async function cleanGitDir(root: string, git: (...args: string[]) => Promise<string>): Promise<void> {
  await git('reflog', 'expire', '--all', '--expire=now')
  await rm(join(root, '.git', 'FETCH_HEAD'), { force: true })
}

/** Removes .git of a folder and of all below it: in submodules these are files that point to where they were fetched. */
export async function removeGitDirs(folder: Buffer): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' })) {
    const path = Buffer.concat([folder, Buffer.from('/'), entry.name])
    if (entry.name.toString('latin1') === '.git') await rm(path, { recursive: true, force: true })
    else if (entry.isDirectory()) await removeGitDirs(path)
  }
}

/**
 * The path of a subfolder, which is not behind a link.
 * @throws WherryError `context-invalid`
 */
export async function subfolder(root: string, subdir: string): Promise<string> {
  let folder = root
  for (const part of subdir.split('/').filter((name) => name !== '')) {
    folder = join(folder, part)
    const stats = await lstat(folder).catch(() => undefined)
    if (stats?.isDirectory() !== true)
      throw new WherryError('context-invalid', `the repository has no folder ${subdir}`, {
        hint: 'The part after the colon of #REF:SUBDIR is a folder of the repository.',
      })
  }
  return folder
}

/** Gives everything at and below a folder one time, in seconds since 1970. */
export async function setTimes(folder: Buffer, seconds: number): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' })) {
    const path = Buffer.concat([folder, Buffer.from('/'), entry.name])
    if (entry.isDirectory()) await setTimes(path, seconds)
    else await lutimes(path, seconds, seconds)
  }
  await utimes(folder, seconds, seconds)
}
