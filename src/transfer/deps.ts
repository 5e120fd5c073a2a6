/** What transfers work with. */
import type { RegistryClient } from '../registry/contract.ts'
import type { Store } from '../store/contract.ts'

export interface TransferDeps {
  readonly store: Store
  readonly registry: RegistryClient
  /** Layers that are moved at once; 6 if not given. */
  readonly parallel?: number | undefined
}
