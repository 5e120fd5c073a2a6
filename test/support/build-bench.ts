/** Builds in this process, over a store in a temp folder: for tests of what the engine does when it is disturbed. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { BuildRequest, BuildResult } from '../../src/build/contract.ts'
import { build } from '../../src/build/build.ts'
import type { BuildEvent } from '../../src/core/events.ts'
import { choose, chosenMode } from '../../src/host/choose.ts'
import { probeFacts } from '../../src/host/facts.ts'
import { createHttpClient } from '../../src/http/client.ts'
import { createRegistryClient } from '../../src/registry/client.ts'
import { openStore } from '../../src/store/store.ts'
import { createTrees } from '../../src/trees/client.ts'
import { createPool } from '../../src/trees/worker/pool.ts'
import { busybox } from './busybox.ts'
import { removeTree } from './wherry.ts'

/** Where builds of one store happen. */
export interface BuildBench {
  readonly dir: string
  /** The context folder; has `busybox` and what is written to it. */
  readonly context: string
  /** Builds a Dockerfile in the context. `watch` sees every event, and may end the build. */
  build(
    dockerfile: readonly string[],
    watch?: (event: BuildEvent, abort: () => void) => void,
    more?: Partial<BuildRequest>,
  ): Promise<BuildResult>
  /** Temp files and leases that are in the store. */
  leftovers(): string[]
  close(): Promise<void>
}

/** An empty store and a context with a busybox. */
export async function openBuildBench(): Promise<BuildBench> {
  const dir = mkdtempSync(join(tmpdir(), 'wherry-build-'))
  const context = join(dir, 'context')
  mkdirSync(context)
  copyFileSync(busybox, join(context, 'busybox'))
  const store = await openStore(join(dir, 'store'))
  const trees = createTrees({
    mode: chosenMode(choose(await probeFacts(), 'auto')),
    driver: 'overlay',
    snapshotsDir: (name) => store.snapshotsDir(name),
    mountsDir: (map) => store.mountsDir(map),
    containersDir: (name) => store.containers.placeDir(name),
  })
  const pool = createPool(2)
  const env = { HOME: dir }
  const retry = { tries: 1 }
  const deps = {
    ...{ store, trees, pool, env, stdout: new PassThrough() },
    registry: createRegistryClient({ env, retry }),
    http: createHttpClient({ env, retry }),
  }
  const folder = (name: string): string[] => {
    const path = join(store.root, name)
    return readdirSync(path).map((file) => join(name, file))
  }
  return {
    dir,
    context,
    build: (dockerfile, watch, more = {}) => {
      writeFileSync(join(context, 'Dockerfile'), `${dockerfile.join('\n')}\n`)
      const ending = new AbortController()
      const scope = {
        signal: ending.signal,
        emit: (event: BuildEvent) => watch?.(event, () => ending.abort()),
      }
      return build({ ...emptyRequest, context, dockerfile: join(context, 'Dockerfile'), ...more }, deps, scope)
    },
    // Notes of uploads stay: a later run goes on with them.
    leftovers: () => [...folder('tmp').filter((path) => !path.startsWith('tmp/uploading-')), ...folder('leases')],
    close: async () => {
      await Promise.all([trees.close(), pool.close()])
      await removeTree(dir)
    },
  }
}

const emptyRequest: Omit<BuildRequest, 'context' | 'dockerfile'> = {
  buildArgs: {},
  labels: {},
  env: {},
  unsetEnv: [],
  unsetLabels: [],
  noCache: false,
  platforms: [],
  tags: [],
  pull: 'missing',
  network: 'host',
  outputs: [],
  annotations: [],
  squash: false,
}
