/** Which image builds on which, told from their layers and histories; pure. */
import type { Digest } from '../core/digest.ts'
import { type ImageConfig, diffIdsOf } from '../oci/config.ts'
import { historyKeys } from '../oci/steps.ts'

/** An image as trees and graphs show it. */
export interface FamilyMember {
  readonly id: Digest
  /** Short names, `debian:12`. */
  readonly names: readonly string[]
  readonly config: ImageConfig
  /** Bytes of all its layers. */
  readonly size: number
}

/** An image with those that are built on it, in the order in which they were given. */
export interface Family {
  readonly member: FamilyMember
  readonly children: readonly Family[]
}

/**
 * The images without a parent among the others, with all that is built on them. The parent of an image is the one with the longest
 * history that is the beginning of its own; where histories say nothing, the one with most layers that are its lowest.
 */
export function familiesOf(members: readonly FamilyMember[]): Family[] {
  const unique = [...new Map(members.map((member) => [member.id, member])).values()]
  const known = unique.map((member) => ({ member, keys: historyKeys(member.config), stack: stackKeys(member.config) }))
  const byKey = new Map<string, FamilyMember>()
  for (const { member, keys, stack } of known) {
    for (const key of [...keys.slice(-1), ...stack.slice(-1)]) if (!byKey.has(key)) byKey.set(key, member)
  }
  const children = new Map<FamilyMember | undefined, FamilyMember[]>()
  for (const { member, keys, stack } of known) {
    const shorter = [...keys.slice(0, -1).reverse(), ...stack.slice(0, -1).reverse()]
    const parent = shorter.map((key) => byKey.get(key)).find((found) => found !== undefined)
    children.set(parent, [...(children.get(parent) ?? []), member])
  }
  const grow = (member: FamilyMember): Family => ({ member, children: (children.get(member) ?? []).map(grow) })
  return (children.get(undefined) ?? []).map(grow)
}

function stackKeys(config: ImageConfig): string[] {
  let key = 'layers'
  return diffIdsOf(config).map((diffId) => (key = `${key} ${diffId}`))
}
