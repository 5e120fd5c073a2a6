/** Trees of this machine over a store in a temp folder, with a static busybox as the only layer: for tests of runs. */
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Digest, digestOf } from '../../src/core/digest.ts'
import { choose, chosenMode } from '../../src/host/choose.ts'
import type { Facts } from '../../src/host/contract.ts'
import { probeFacts } from '../../src/host/facts.ts'
import type { Entry } from '../../src/oci/contents.ts'
import { decodeContents } from '../../src/store/contents-codec.ts'
import { type Store } from '../../src/store/contract.ts'
import { openStore } from '../../src/store/store.ts'
import { createTrees } from '../../src/trees/client.ts'
import type { StackLayer, TreeRun, Trees } from '../../src/trees/contract.ts'
import { type RawEntry, rawTar } from './raw-tar.ts'
import { busybox } from './busybox.ts'
import { removeTree } from './wherry.ts'

type Isolation = 'mapped' | 'single' | 'chroot'
type Driver = 'overlay' | 'copy'

/** What a run left and said. */
export interface TreeRan {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** The layer's contents list, if the run made a layer. */
  readonly layer: readonly Entry[]
  /** Paths of the layer. */
  readonly paths: readonly string[]
}

/** Trees with a store of their own. */
export interface Bench {
  readonly store: Store
  readonly trees: Trees
  /** Busybox and a few folders. */
  readonly base: readonly StackLayer[]
  /** A layer over others, unpacked. */
  layer(entries: readonly RawEntry[], below?: readonly StackLayer[]): Promise<readonly StackLayer[]>
  /** Runs a shell script over `base`, or over other layers, and seals it. */
  run(script: string, more?: Partial<TreeRun>, signal?: AbortSignal): Promise<TreeRan>
  /** Another inner process over the same store, in the same mode or another, with the same ids or others. */
  other(isolation?: Isolation, ids?: 'other ids'): Promise<Bench>
  close(): Promise<void>
}

const never = new AbortController().signal
const applets = (
  'sh true cat sleep ls chown touch mkdir rmdir id stat find mount umount rm mv chmod readlink ln cp echo head wc nc df ' +
  'grep dd test sed tail ps kill printf'
).split(' ')

/** How a bench differs from others. */
export interface BenchSettings {
  /** A run may have the standard streams of this process. */
  readonly stdio?: 'inherit'
  readonly secretsOnDisk?: boolean
  /** Folder to make it in, if not the usual one for temporary files. */
  readonly folder?: string
  /** The folder of another bench that is gone. */
  readonly root?: string
}

/** Opens a bench; `isolation` and driver as they are. */
export async function openBench(
  isolation: Isolation,
  driver: Driver = 'overlay',
  { stdio, secretsOnDisk, folder = tmpdir(), root: given }: BenchSettings = {},
): Promise<Bench> {
  const root = given ?? mkdtempSync(join(folder, 'wherry-bench-'))
  const bench = await benchIn(root, { isolation, driver, stdio, secretsOnDisk })
  return {
    ...bench,
    close: async () => {
      // What belongs to other ids can only be deleted inside.
      const scope = { signal: never, emit: () => undefined }
      const names = (await bench.trees.cacheMounts(scope)).map(({ name }) => name)
      await bench.trees.removeCacheMounts(names, scope)
      await bench.close()
      await removeTree(root)
    },
  }
}

/** As if the administrator had changed the ranges: a user's is smaller, root's is elsewhere. */
function withOtherIds(facts: Facts): Facts {
  const cut = (ranges: Facts['subuids']): Facts['subuids'] =>
    ranges.map(({ first, count }) => ({ first: first + 1000, count: count - 2000 }))
  if (facts.uid !== 0) return { ...facts, subuids: cut(facts.subuids), subgids: cut(facts.subgids) }
  const used = choose({ ...facts, subuids: [], subgids: [] }, 'mapped')
  const first = used.ok ? (used.mode.uids[0]?.outside ?? 0) : 0
  return { ...facts, subuids: [], subgids: [], takenIds: [...facts.takenIds, { first, count: 65536 }] }
}

interface BenchOptions {
  readonly isolation: Isolation
  readonly driver: Driver
  readonly stdio: 'inherit' | undefined
  readonly secretsOnDisk: boolean | undefined
  readonly ids?: 'other ids' | undefined
}

async function benchIn(root: string, options: BenchOptions): Promise<Bench> {
  const { isolation, driver, stdio, secretsOnDisk, ids } = options
  const store = await openStore(join(root, 'store'))
  const facts = await probeFacts()
  const mode = chosenMode(choose(ids === undefined ? facts : withOtherIds(facts), isolation))
  const trees = createTrees({
    mode,
    driver,
    stdio,
    secretsOnDisk,
    snapshotsDir: (name) => store.snapshotsDir(name),
    mountsDir: (map) => store.mountsDir(map),
    containersDir: (name) => store.containers.placeDir(name),
  })
  const scope = { signal: never, emit: () => undefined }

  const layer: Bench['layer'] = async (entries, below = []) => {
    const tar = rawTar(entries)
    const diffId: Digest = `sha256:${createHash('sha256').update(tar).digest('hex')}`
    const parent = below.at(-1)?.chainId
    const made: StackLayer = {
      diffId,
      chainId: parent === undefined ? diffId : digestOf(`${parent} ${diffId}`),
      blobPath: join(root, diffId.slice(7)),
      contentsPath: join(root, `${diffId.slice(7)}.contents`),
    }
    writeFileSync(made.blobPath, tar)
    const stack = [...below, made]
    await trees.unpack(stack, () => made.contentsPath, scope)
    return stack
  }
  const base = await layer([
    ...['bin', 'etc', 'tmp', 'usr', 'run'].map((name) => ({ name, flag: '5', mode: name === 'tmp' ? 0o1777 : 0o755 })),
    { name: 'bin/busybox', mode: 0o755, data: readFileSync(busybox) },
    ...applets.map((name) => ({ name: `bin/${name}`, flag: '2', link: 'busybox' })),
    { name: 'etc/passwd', mode: 0o644, data: 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n' },
  ])
  return {
    store,
    trees,
    base,
    layer,
    other: (another = isolation, otherIds) => benchIn(root, { ...options, isolation: another, ids: otherIds }),
    close: () => trees.close(),
    run: async (script, more = {}, signal = never) => {
      const contentsPath = store.tempPath('contents')
      const said = { stdout: '', stderr: '' }
      const run: TreeRun = {
        layers: base,
        args: ['/bin/sh', '-c', script],
        env: ['PATH=/bin'],
        cwd: '/',
        user: '',
        network: 'host',
        hostname: 'box',
        extraHosts: [],
        foreground: false,
        output: { tarPath: store.tempPath('tar'), contentsPath },
        ...more,
      }
      const { exitCode, sealed } = await trees.run(run, (stream, text) => void (said[stream] += text), {
        ...scope,
        signal,
      })
      const list = sealed === undefined ? [] : (decodeContents(readFileSync(contentsPath)) ?? [])
      return { exitCode, ...said, layer: list, paths: list.map((entry) => entry.path).filter((path) => path !== '') }
    },
  }
}
