/** What transfers work with. */
import type { RegistryClient } from '../registry/contract.ts'
import type { Store } from '../store/contract.ts'

export interface TransferDeps {
  readonly store: Store
  readonly registry: RegistryClient
}
