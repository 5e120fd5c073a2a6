/** Single mode: what a process changed, with the owners that the image must have. */
import { readFileSync } from 'node:fs'
import { WherryError } from '../../core/errors.ts'
import type { Digest } from '../../core/digest.ts'
import type { SealItem } from '../../layer/contract.ts'
import { withOwners } from '../../layer/owners.ts'
import type { ContentsList } from '../../oci/contents.ts'
import { decodeContents } from '../../store/contents-codec.ts'
import { mergeLayers } from '../../oci/tree-merge.ts'
import type { Change } from '../../rootfs/contract.ts'
import type { ProcessResult } from '../../sandbox/contract.ts'
import type { StackLayer } from '../contract.ts'

const lists = new Map<Digest, ContentsList>()

/** Changes as items to seal: recorded owner, else the owner below, else root. */
export function ownedItems(
  changes: Iterable<Change>,
  layers: readonly StackLayer[],
  owners: ProcessResult['owners'],
): Iterable<SealItem> {
  return withOwners(changes, mergeLayers(layers.map(contentsOf)), owners ?? new Map())
}

function contentsOf({ diffId, contentsPath }: StackLayer): ContentsList {
  const known = lists.get(diffId) ?? decodeContents(readFileSync(contentsPath))
  if (known === undefined) throw new WherryError('store-corrupt', `the contents list of layer ${diffId} cannot be read`)
  lists.set(diffId, known)
  return known
}
