/** Following symlinks within a tree, never out of it. */
import { type BytePath, toText } from '../core/bytepath.ts'
import { WherryError } from '../core/errors.ts'
import type { TreeView } from './tree.ts'

/** Links followed before it is called a loop, as containerd's RootPath does; the kernel stops at 40. */
const maxLinks = 255

/**
 * Where a path leads: absolute links start at the tree's root, `..` stops there. Components that do not exist are kept as they
 * are, so the result may be made. With `followLast: false` a link at the very end is the result itself.
 * @throws WherryError `copy-failed` for a loop of links
 */
export function resolveInTree(view: TreeView, path: BytePath, options: { readonly followLast: boolean }): BytePath {
  const todo = path.split('/').reverse()
  const done: string[] = []
  for (let links = 0; todo.length > 0; ) {
    const part = todo.pop() ?? ''
    if (part === '' || part === '.') continue
    if (part === '..') {
      done.pop()
      continue
    }
    const here = done.length === 0 ? part : `${done.join('/')}/${part}`
    const isLast = todo.every((rest) => rest === '' || rest === '.')
    const entry = view.lookup(here)
    if (entry?.type !== 'symlink' || entry.link === undefined || (isLast && !options.followLast)) {
      done.push(part)
      continue
    }
    if (++links > maxLinks) {
      throw new WherryError('copy-failed', `"/${toText(path)}" leads through more than ${maxLinks} symbolic links`, {
        hint: 'The links form a loop; remove one of them.',
      })
    }
    if (entry.link.startsWith('/')) done.length = 0
    todo.push(...entry.link.split('/').reverse())
  }
  return done.join('/')
}
