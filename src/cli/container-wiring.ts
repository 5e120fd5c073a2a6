/** Puts together what commands on containers work with. */
import { availableParallelism } from 'node:os'
import type { ContainerDeps } from '../container/deps.ts'
import { WherryError } from '../core/errors.ts'
import type { Trees } from '../trees/contract.ts'
import { createPool } from '../trees/worker/pool.ts'
import type { Io } from './io.ts'
import { type RegistryOptionValues, retryPolicyOf } from './registry-options.ts'
import { type WorkshopOptions, transferDepsFor, treesFor, treesForMap } from './wiring.ts'

/** What those commands are opened with. */
export interface ContainerOptions extends Partial<RegistryOptionValues> {
  readonly root: string | undefined
  readonly isolation?: string | undefined
  /** Processes get wherry's own standard streams. */
  readonly foreground?: boolean
}

const noRegistryOptions = {
  'insecure-registry': [],
  'tls-verify': true,
  retry: undefined,
  'retry-delay': undefined,
  timeout: undefined,
  parallel: undefined,
} as const satisfies RegistryOptionValues

/** Opens what work on containers needs, hands it to `work`, and closes it whatever happens. */
export async function withContainers<T>(
  options: ContainerOptions,
  io: Io,
  work: (deps: ContainerDeps) => Promise<T>,
): Promise<T> {
  const all: WorkshopOptions = { ...noRegistryOptions, ...options }
  retryPolicyOf(all)
  const transfer = await transferDepsFor(all, io)
  const trees = await treesFor(transfer.store, all)
  const pool = createPool(availableParallelism())
  const others = new Map<string, Trees>()
  // Where new containers go is known once one was made.
  let own: string | undefined
  const containers = { ...trees.containers, place: async () => (own = await trees.containers.place()) }
  const treesAt = async (place: string): Promise<Trees> => {
    const known = place === own ? trees : others.get(place)
    if (known !== undefined) return known
    const made = await treesForMap(transfer.store, place, { foreground: options.foreground === true })
    if (made === undefined)
      throw new WherryError(
        'host-unsupported',
        `the container's files are of the kind ${place}, which cannot be used here now`,
        {
          hint: 'It was made in another isolation mode, or the ids of this user have changed: see `wherry doctor`.',
        },
      )
    others.set(place, made)
    return made
  }
  try {
    return await work({ ...transfer, trees: { ...trees, containers }, treesAt, pool })
  } finally {
    await Promise.all([trees, ...others.values()].map((each) => each.close()))
    await pool.close()
  }
}
