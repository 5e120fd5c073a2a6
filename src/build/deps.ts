/** What the engine works with; made by cli/, or by a user of the library. */
import type { Writable } from 'node:stream'
import type { HttpClient } from '../http/client.ts'
import type { TransferDeps } from '../transfer/deps.ts'
import type { Trees } from '../trees/contract.ts'
import type { Pool } from '../trees/worker/pool.ts'

export interface BuildDeps extends TransferDeps {
  /** For ADD of URLs. */
  readonly http: HttpClient
  readonly trees: Trees
  readonly pool: Pool
  /** The user's environment, for git. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Where outputs with the destination `-` go. */
  readonly stdout: Writable
}
