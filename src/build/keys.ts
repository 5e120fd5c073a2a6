/** Step keys: what decides whether a result can be used again. A key never depends on machine, path, user or clock. */
import { type Digest, digestOf } from '../core/digest.ts'
import { canonicalJson } from '../core/json.ts'
import { chainIdOf } from '../oci/image.ts'
import type { Step } from '../plan/contract.ts'
import { cachedDefinitionOf } from '../plan/definition.ts'

/** Raised when the meaning of a step changes, so that old records are missed. */
export const keyVersion = 3

/** What a step's inputs are in a key. */
export interface KeyInputs {
  readonly input: Digest
  /** COPY: what it copies. */
  readonly selection?: Digest
  /** What else it reads: by definition the keys of those trees, by content what it sees of them. */
  readonly others?: readonly Digest[]
}

/** The key of a step over given inputs: the definition key, or the content key if the inputs are contents. */
export function stepKey(step: Step, inputs: KeyInputs): Digest {
  return digestOf(canonicalJson({ keyVersion, ...cachedDefinitionOf(step), ...inputs }))
}

/** The input of a step that starts from a stack of layers, as a key part. */
export function stackKey(diffIds: readonly Digest[]): Digest {
  return chainIdOf(diffIds) ?? digestOf('scratch')
}

/** The key of a layer that is put on a tree, as a key part. */
export function stackedKey(below: Digest, layer: Digest): Digest {
  return digestOf(canonicalJson({ below, layer }))
}
