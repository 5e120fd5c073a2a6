/** Resolving names inside a root file system: `..` and absolute targets are clamped to the root, so nothing points outside. */
import { readlinkSync } from 'node:fs'
import { type BytePath, toBytes, toText } from '../core/bytepath.ts'
import { WherryError } from '../core/errors.ts'
import { lstatIfThere, onDisk, parentOf } from './disk.ts'

/** As many as the kernel follows in one look-up (path_resolution(7)). */
const maxLinks = 40

/** Gives the target of the symlink at a tree path, or undefined if there is none at it. */
export type LinkReader = (path: BytePath) => BytePath | undefined

/**
 * Follows symlinks as a process would whose root is the tree: each part in turn, absolute targets from the root, `..` clamped.
 * With `last: 'keep'` a link in the last part is not followed. Parts that do not exist stand for themselves.
 * @throws WherryError `archive-invalid` after 40 links
 */
export function resolvePath(name: BytePath, readLink: LinkReader, last: 'follow' | 'keep'): BytePath {
  const todo = name.split('/').reverse()
  let done = ''
  let links = 0
  while (todo.length > 0) {
    const part = todo.pop() ?? ''
    if (part === '' || part === '.') continue
    if (part === '..') {
      done = parentOf(done)
      continue
    }
    const next = done === '' ? part : `${done}/${part}`
    const isLast = last === 'keep' && todo.every((rest) => rest === '' || rest === '.')
    const target = isLast ? undefined : readLink(next)
    if (target === undefined) {
      done = next
      continue
    }
    if (++links > maxLinks)
      throw new WherryError('archive-invalid', `${toText(name)}: too many levels of symbolic links`)
    if (target.startsWith('/')) done = ''
    todo.push(...target.split('/').reverse())
  }
  return done
}

/** Reads links of the tree at `root` on disk, for `resolvePath`. The tree must not change under the caller. */
export function linksOnDisk(root: BytePath): LinkReader {
  return (path) => {
    const disk = onDisk(root, path)
    return lstatIfThere(disk)?.isSymbolicLink() === true ? readlinkSync(toBytes(disk), 'latin1') : undefined
  }
}
