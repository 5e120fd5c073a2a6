/** A place to put a root file system together: layers and snapshots that nobody else knows, and that go when it is closed. */
import { randomBytes } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { fromText } from '../core/bytepath.ts'
import { type Digest, digestOf } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import type { SealItem } from '../layer/contract.ts'
import type { Entry } from '../oci/contents.ts'
import { mergeLayers } from '../oci/tree-merge.ts'
import { linkedItems, walk } from '../oci/walk.ts'
import { decodeContents } from '../store/contents-codec.ts'
import type { Lease, Store } from '../store/contract.ts'
import type { StackLayer, TreeRun, Trees } from '../trees/contract.ts'
import type { Pool } from '../trees/worker/pool.ts'

/** What a workspace works with. */
export interface WorkspaceDeps {
  readonly store: Store
  readonly trees: Trees
  readonly pool: Pool
}

/** A layer that is in a temp file only. */
export interface TempLayer {
  readonly entries: readonly Entry[]
  readonly tarPath: string
}

/** A process, as far as bases have a say in it. */
export interface WorkspaceRun {
  /** The layer that it runs over. */
  readonly over: StackLayer
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly onOutput: (text: string) => void
}

export interface Workspace {
  readonly lease: Lease
  /** A fresh temp path, removed when the workspace is closed. */
  temp(this: void, label: string): string
  /** Makes a layer of items, and its snapshot. */
  layer(items: readonly SealItem[], scope: Scope): Promise<TempLayer & { readonly stack: StackLayer }>
  /** Runs a process over a layer as its root; what it changed, or undefined if it did not exit with 0. */
  run(run: WorkspaceRun, scope: Scope): Promise<TempLayer | undefined>
  close(scope: Scope): Promise<void>
}

/** Opens a workspace in the store. */
export async function openWorkspace({ store, trees, pool }: WorkspaceDeps): Promise<Workspace> {
  const lease = await store.lease()
  const temps: string[] = []
  const chains: Digest[] = []
  const temp = (label: string): string => {
    const path = store.tempPath(label)
    temps.push(path)
    return path
  }
  const hold = async (chainId: Digest): Promise<void> => {
    await lease.hold(chainId)
    chains.push(chainId)
  }
  return {
    lease,
    temp,
    async layer(items, scope) {
      const files = { tarPath: temp('base-layer'), contentsPath: temp('base-contents') }
      const sealed = await pool.run('seal', { items, ...files }, scope)
      // A name of its own: two workspaces with the same files do not delete each other's snapshot.
      const chainId = digestOf(randomBytes(32))
      const { tarPath: blobPath, contentsPath } = files
      const stack: StackLayer = { diffId: sealed.diffId, chainId, blobPath, contentsPath }
      await hold(chainId)
      await trees.unpack([stack], () => temp('base-contents'), scope)
      return { entries: await entriesIn(contentsPath), tarPath: blobPath, stack }
    },
    async run({ over, args, env, onOutput }, scope) {
      const output = { tarPath: temp('base-layer'), contentsPath: temp('base-contents') }
      const { exitCode, sealed } = await trees.run(
        { ...plainRun, layers: [over], args, env, output },
        (_, text) => onOutput(text),
        scope,
      )
      if (exitCode !== 0 || sealed === undefined) return undefined
      await hold(digestOf(`${over.chainId} ${sealed.diffId}`))
      return { entries: await entriesIn(output.contentsPath), tarPath: output.tarPath }
    },
    async close(scope) {
      const quiet = { ...scope, signal: new AbortController().signal }
      await trees.remove(chains, quiet).catch(() => undefined)
      for (const path of temps) await rm(path, { force: true })
      await lease.release()
    },
  }
}

const plainRun: Omit<TreeRun, 'layers' | 'args' | 'env'> = {
  cwd: '/',
  user: '',
  network: 'host',
  hostname: 'localhost',
  extraHosts: [],
  foreground: false,
}

async function entriesIn(contentsPath: string): Promise<Entry[]> {
  const entries = decodeContents(await readFile(contentsPath))
  if (entries === undefined) throw new WherryError('internal', 'a layer that was just made cannot be read')
  return entries
}

/** Layers as one tree of items, lowest first; further names of a file are hard links. */
export function mergedItems(layers: readonly TempLayer[]): SealItem[] {
  const tree = mergeLayers(layers.map((layer) => layer.entries))
  const items = [...walk(tree, '')].map((entry): SealItem => {
    const layer = layers[tree.layerOf(entry.path) ?? -1]
    if (entry.type !== 'file' || layer === undefined) return { entry }
    return { entry, source: { path: fromText(layer.tarPath), offset: entry.offset ?? 0 } }
  })
  return linkedItems(items, (path) => {
    const entry = tree.lookup(path)
    return entry?.offset === undefined || entry.size === 0 ? undefined : `${tree.layerOf(path)}:${entry.offset}`
  })
}
