/** What a stack of overlay layers shows at a path, read from the layers' folders without mounting them. */
import type { BigIntStats } from 'node:fs'
import type { BytePath } from '../core/bytepath.ts'
import { isWhiteout, lstatIfThere, nameOf, parentOf } from './disk.ts'
import { isOpaque } from './metadata.ts'

/** Folders on disk that together make one folder of the merged tree, the topmost first; empty for none. */
export type Stack = readonly BytePath[]

/** What the merged tree has at a name: the topmost layer's version and, for a folder, all layers that it is made of. */
export interface Found {
  readonly disk: BytePath
  readonly stat: BigIntStats
  readonly stack: Stack
}

/** Looks up one name in a merged folder, by overlayfs's rules: a whiteout or anything but a folder ends the search. */
export function lookupName(folder: Stack, name: BytePath): Found | undefined {
  let top: { disk: BytePath; stat: BigIntStats } | undefined
  const stack: BytePath[] = []
  for (const layer of folder) {
    const disk = `${layer}/${name}`
    const stat = lstatIfThere(disk)
    if (stat === undefined) continue
    if (isWhiteout(stat)) break
    if (!stat.isDirectory()) {
      if (top === undefined) return { disk, stat, stack: [] }
      break
    }
    top ??= { disk, stat }
    stack.push(disk)
    if (isOpaque(disk)) break
  }
  return top === undefined ? undefined : { ...top, stack }
}

/** Look-ups by path in a stack of layers. */
export interface LowerTree {
  /** What the layers show at a path; undefined for nothing and for what was hidden. The root '' has no entry of its own. */
  lookup(path: BytePath): Found | undefined
  /** From now on the layers show nothing at and below this path. */
  hide(path: BytePath): void
}

/** Look-ups in the layers at `roots`, topmost first. Folders are remembered, so the layers must not change. */
export function lowerTree(roots: Stack): LowerTree {
  const folders = new Map<BytePath, Stack>([['', roots]])
  function folderAt(path: BytePath): Stack {
    const known = folders.get(path)
    if (known !== undefined) return known
    const parent = folderAt(parentOf(path))
    const stack = parent.length === 0 ? [] : (lookupName(parent, nameOf(path))?.stack ?? [])
    folders.set(path, stack)
    return stack
  }
  const hidden = new Set<BytePath>()
  return {
    lookup(path) {
      if (hidden.has(path)) return undefined
      const folder = folderAt(parentOf(path))
      return folder.length === 0 ? undefined : lookupName(folder, nameOf(path))
    },
    hide(path) {
      hidden.add(path)
      folders.set(path, [])
      for (const known of folders.keys()) if (known.startsWith(`${path}/`)) folders.set(known, [])
    },
  }
}
