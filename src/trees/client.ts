/** The service as the outer process has it: starts the inner process at the first call and talks to it. */
import { WherryError } from '../core/errors.ts'
import { isJsonObject } from '../core/json.ts'
import type { Digest } from '../core/digest.ts'
import { bundledFile } from '../host/bundle.ts'
import type { InnerProcess, Mode } from '../host/contract.ts'
import { enterNamespace } from '../host/namespace.ts'
import type {
  BeginMountRequest,
  CacheMount,
  IndexedLayer,
  SealMountRequest,
  SealedMount,
  StackLayer,
  TreeRun,
  TreeRunResult,
  Trees,
} from './contract.ts'
import { containerTrees } from './container-client.ts'
import type { ContainerCalls } from './container-contract.ts'
import { type Caller, createCaller, protocolVersion } from './rpc.ts'
import type { InnerSetup } from './setup.ts'

/** How the inner process is to work. */
export interface TreesOptions {
  readonly mode: Mode
  /** What to try where the kernel refuses `mode` after all (newuidmap without its privileges, in containers). */
  readonly fallback?: Mode
  readonly driver: 'overlay' | 'copy'
  /** In chroot mode: files with secrets may lie on a disk for the time of a run. */
  readonly secretsOnDisk?: boolean | undefined
  /** Gives runs in the foreground the standard streams of this process. */
  readonly stdio?: 'inherit'
  /** Gives the folder of snapshots for `<driver>-<map>`, made if absent. */
  snapshotsDir(driverAndMap: string): Promise<string>
  /** Gives the folder of cache mounts for a map, made if absent. */
  mountsDir(map: string): Promise<string>
  /** Gives the folder of containers for `<driver>-<map>`, made if absent. */
  containersDir(driverAndMap: string): Promise<string>
}

/** How long the inner process gets to end by itself, in milliseconds. */
const graceMs = 5000

/** The service; nothing runs until its first call. */
export function createTrees(options: TreesOptions): Trees {
  let started: Promise<Started> | undefined
  let active = options.mode
  const start = async (): Promise<Started> => {
    try {
      return await startIn(options.mode, options)
    } catch (error) {
      if (options.fallback === undefined) throw error
      active = options.fallback
      return startIn(options.fallback, options)
    }
  }
  const ensure = (): Promise<Started> => (started ??= start())
  const call = async (name: string, params: unknown, callOptions: Parameters<Caller['call']>[2]): Promise<unknown> => {
    const { caller } = await ensure()
    return caller.call(name, params, callOptions)
  }
  return {
    get fidelity() {
      return active.fidelity
    },
    missing: async (layers, { signal }) => {
      const absent = new Set((await call('missing', { layers }, { signal })) as Digest[])
      return layers.filter((layer) => absent.has(layer.chainId))
    },
    unpack: async (layers, tempFor, { signal }) => {
      const temps = Object.fromEntries(layers.map((layer) => [layer.diffId, tempFor(layer.diffId)]))
      return (await call('unpack', { layers, temps }, { signal })) as IndexedLayer[]
    },
    run: async (run, onOutput, { signal }, onFailure) => {
      const onNote: NonNullable<Parameters<Caller['call']>[2]['onNote']> = (note) => {
        if (isJsonObject(note) && note['failed'] === true) onFailure?.()
        if (!isJsonObject(note) || typeof note['text'] !== 'string') return
        onOutput(note['stream'] === 'stderr' ? 'stderr' : 'stdout', note['text'])
      }
      return (await call('run', run, { signal, onNote })) as TreeRunResult
    },
    remove: async (chainIds, { signal }) => {
      await call('remove', { chainIds }, { signal })
    },
    cacheMounts: async ({ signal }) => (await call('cacheMounts', {}, { signal })) as CacheMount[],
    removeCacheMounts: async (names, { signal }) =>
      (await call('removeCacheMounts', { names }, { signal })) as CacheMount[],
    sealCacheMount: async (request, { signal }) => (await call('sealCacheMount', request, { signal })) as SealedMount,
    hasCacheMount: async (id, { signal }) => (await call('hasCacheMount', { id }, { signal })) === true,
    beginCacheMount: async (request, { signal }) => (await call('beginCacheMount', request, { signal })) === true,
    containers: containerTrees(
      (name, params, callOptions) => call(name, params, callOptions),
      async () => (await ensure()).place,
    ),
    warm: () => void ensure().catch(() => undefined),
    close: async () => {
      if (started !== undefined) await started.then(stop, () => undefined)
    },
  }
}

interface Started {
  readonly caller: Caller
  readonly inner: InnerProcess
  /** `<driver>-<map>`. */
  readonly place: string
}

async function startIn(mode: Mode, options: TreesOptions): Promise<Started> {
  // Without a mount namespace nothing can be mounted.
  const driver = mode.kind === 'chroot' ? 'copy' : options.driver
  const place = `${driver}-${mode.idMap}`
  const snapshotsDir = await options.snapshotsDir(place)
  const setup: InnerSetup = {
    protocol: protocolVersion,
    mode,
    driver,
    snapshotsDir,
    mountsDir: await options.mountsDir(mode.idMap),
    containersDir: await options.containersDir(place),
    secretsOnDisk: options.secretsOnDisk === true,
    parent: process.pid,
  }
  const argv = [bundledFile('inner.js'), JSON.stringify(setup)]
  const inner = await enterNamespace(mode, { argv, env: { ...process.env }, stdio: options.stdio })
  let end = 'it ended'
  void inner.exited.then(({ code, signal }) => {
    end = signal === null ? `it exited with ${code ?? 'no code'}` : `it was killed by ${signal}`
  })
  const lost = (): Error => new WherryError('sandbox-failed', `the process that works in the namespace is gone: ${end}`)
  return { caller: createCaller(inner.control, inner.control, lost), inner, place }
}

async function stop({ inner }: Started): Promise<void> {
  inner.control.end()
  const timer = setTimeout(() => inner.kill(), graceMs)
  await inner.exited
  clearTimeout(timer)
}

/** Parameters of the inner process's calls; results as in `Trees`. */
export interface InnerCalls extends ContainerCalls {
  readonly missing: { readonly layers: readonly StackLayer[] }
  readonly unpack: { readonly layers: readonly StackLayer[]; readonly temps: Readonly<Record<string, string>> }
  readonly run: TreeRun
  readonly remove: { readonly chainIds: readonly Digest[] }
  readonly cacheMounts: object
  readonly removeCacheMounts: { readonly names: readonly string[] }
  readonly sealCacheMount: SealMountRequest
  readonly hasCacheMount: { readonly id: string }
  readonly beginCacheMount: BeginMountRequest
}
