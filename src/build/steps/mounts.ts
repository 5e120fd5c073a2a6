/** The trees behind a RUN's mounts: what of them counts for its key. */
import { type BytePath, fromText } from '../../core/bytepath.ts'
import { type Digest, digestOf } from '../../core/digest.ts'
import { resolveInTree } from '../../oci/tree-resolve.ts'
import type { RunMount, TreeRef } from '../../plan/contract.ts'
import { treeOfMount } from '../../plan/reach.ts'
import { selectionDigest } from '../context/selection.ts'
import type { Session } from '../engine.ts'
import { subtree } from '../../transfer/tree-items.ts'

/** DiffIDs of the tree behind a mount, lowest first; undefined if there is none. */
export type MountStack = readonly Digest[] | undefined

/** The stack behind each mount, in their order. */
export function mountStacks(
  mounts: readonly RunMount[],
  stackOf: (tree: TreeRef) => Promise<Digest[]>,
): Promise<MountStack[]> {
  return Promise.all(
    mounts.map(async (mount) => {
      const tree = treeOfMount(mount)
      return tree === undefined ? undefined : stackOf(tree)
    }),
  )
}

/** For each mount with a tree the digest of what it shows of it. */
export async function mountDigests(
  mounts: readonly RunMount[],
  stacks: readonly MountStack[],
  session: Session,
): Promise<Digest[]> {
  const digests: Digest[] = []
  for (const [i, mount] of mounts.entries()) {
    const stack = stacks[i]
    if (stack === undefined || (mount.type !== 'bind' && mount.type !== 'cache')) continue
    const tree = await session.layers.tree(stack)
    const shown: BytePath = resolveInTree(tree, fromText(mount.source), { followLast: true })
    const known = shown === '' || tree.lookup(shown) !== undefined
    digests.push(known ? selectionDigest(subtree(tree, shown)) : digestOf('absent'))
  }
  return digests
}
