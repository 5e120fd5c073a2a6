/** What work on containers needs; made by cli/. */
import type { TransferDeps } from '../transfer/deps.ts'
import type { Trees } from '../trees/contract.ts'
import type { Pool } from '../trees/worker/pool.ts'

export interface ContainerDeps extends TransferDeps {
  /** For new containers. */
  readonly trees: Trees
  /** The trees of a kind, `<driver>-<map>`. @throws WherryError `host-unsupported` if this machine has none of that kind now */
  treesAt(place: string): Promise<Trees>
  readonly pool: Pool
}
