/** Which paths of a source tree a COPY source names: one path with links followed, or all that a wildcard matches. */
import type { BytePath } from '../../core/bytepath.ts'
import { WherryError } from '../../core/errors.ts'
import { goMatch } from '../../dockerfile/go-match.ts'
import { resolveInTree } from '../../oci/tree-resolve.ts'
import type { TreeView } from '../../oci/tree.ts'

/** A source path as it was named (its last part is the name of a copied file), and where it really is. */
export interface Selected {
  readonly named: BytePath
  readonly real: BytePath
}

/**
 * Selects from a tree. `..` and a leading slash stay inside the tree. A wildcard may match nothing.
 * @throws WherryError `copy-failed` if a path without wildcard is not there, or what comes before the first wildcard
 */
export function selectSources(tree: TreeView, source: BytePath): Selected[] {
  const parts = cleanParts(source)
  const firstWild = parts.findIndex(hasWildcard)
  const selected = firstWild < 0 ? [parts.join('/')] : matches(tree, parts, firstWild)
  return selected.map((named) => {
    const real = resolveInTree(tree, named, { followLast: true })
    if (real !== '' && tree.lookup(real) === undefined) throw notFound(source)
    return { named, real }
  })
}

function notFound(source: BytePath): WherryError {
  return new WherryError('copy-failed', `"/${cleanParts(source).join('/')}": not found`, {
    hint: 'Paths are relative to the build context (or to the root of --from); files that .dockerignore excludes are not there.',
  })
}

function cleanParts(source: BytePath): string[] {
  const parts: string[] = []
  for (const part of source.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts
}

/** True if a path part has `*`, `?` or `[` that is not escaped. */
export function hasWildcard(part: string): boolean {
  return /^(?:[^\\*?[]|\\.)*[*?[]/s.test(part)
}

/** Paths below the wildcard-free start whose rest matches part by part, in the order of a walk. */
function matches(tree: TreeView, parts: readonly string[], firstWild: number): BytePath[] {
  const start = resolveInTree(tree, parts.slice(0, firstWild).join('/'), { followLast: true })
  if (tree.lookup(start) === undefined) throw notFound(parts.join('/'))
  let found = [start]
  for (const [i, pattern] of parts.slice(firstWild).entries()) {
    const isLast = i === parts.length - firstWild - 1
    found = found.flatMap((folder) => childrenMatching(tree, folder, { pattern, foldersOnly: !isLast }))
  }
  return found
}

function childrenMatching(
  tree: TreeView,
  folder: BytePath,
  { pattern, foldersOnly }: { pattern: string; foldersOnly: boolean },
): BytePath[] {
  return tree
    .list(folder)
    .filter((name) => goMatch(pattern, name))
    .map((name) => (folder === '' ? name : `${folder}/${name}`))
    .filter((path) => !foldersOnly || tree.lookup(path)?.type === 'dir')
}
