/** What a COPY source means with --parents and --exclude: which paths are copied, and what of them. */
import type { BytePath } from '../../core/bytepath.ts'
import { goClean } from '../../dockerfile/go-path.ts'
import { compileIgnore } from '../../dockerfile/ignore.ts'
import type { TreeView } from '../../oci/tree.ts'
import { type CopyFilter, pickBelow } from './filter.ts'
import { type Selected, hasWildcard, selectSources } from './select.ts'

/** The flags that change what is selected; patterns as byte paths. */
export interface ChoiceFlags {
  readonly parents: boolean
  readonly exclude: readonly BytePath[]
}

/** Paths to copy, and which of their contents. */
export interface Choice {
  readonly selected: readonly Selected[]
  readonly filter: CopyFilter
}

/**
 * Chooses from a tree. With --parents the folders after the pivot `/./` (else all of them) are copied with the source.
 * @throws WherryError `copy-failed` if a path without wildcard is not there, `dockerfile-invalid` for a malformed pattern
 */
export function chooseSources(tree: TreeView, source: BytePath, { parents, exclude }: ChoiceFlags): Choice {
  const left = exclude.length === 0 ? {} : { exclude: compileIgnore(exclude) }
  if (!parents) return { selected: selectSources(tree, source), filter: left }
  const pivot = source.indexOf('/./')
  const from = pivot < 0 ? '/' : source.slice(0, pivot)
  const pattern = goClean(`/${pivot < 0 ? source : source.slice(pivot + 3)}`).slice(1)
  const parts = `${from}/${pattern}`.split('/')
  // Only for its error.
  if (!parts.some(hasWildcard)) selectSources(tree, parts.join('/'))
  const include = pattern === '' ? {} : { include: compileIgnore([pattern]) }
  return { selected: selectSources(tree, from), filter: { ...include, ...left } }
}

/** The files and folders that a choice comes to: all that must be read before it is copied. */
export function chosenPaths(tree: TreeView, { selected, filter }: Choice): BytePath[] {
  if (filter.include === undefined && filter.exclude === undefined) return selected.map(({ real }) => real)
  return selected.flatMap(({ real }) => {
    const isFolder = real === '' || tree.lookup(real)?.type === 'dir'
    if (!isFolder) return [real]
    return pickBelow(tree, real, filter).flatMap(({ entry }) => (entry.type === 'dir' ? [] : [entry.path]))
  })
}
