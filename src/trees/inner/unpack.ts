/** Layers into snapshots, lowest first: each is unpacked once, however many steps want it at the same time. */
import { existsSync } from 'node:fs'
import type { Digest } from '../../core/digest.ts'
import { unpackLayer } from '../../layer/unpack.ts'
import type { Draft } from '../../rootfs/contract.ts'
import type { InnerCalls } from '../client.ts'
import type { IndexedLayer, StackLayer } from '../contract.ts'
import { openArriving } from './arriving.ts'
import type { Inner } from './state.ts'

/** The layers of a stack whose snapshot is absent and needed. */
export async function missingLayers({ snapshots }: Inner, layers: readonly StackLayer[]): Promise<StackLayer[]> {
  const present = await Promise.all(layers.map((layer) => snapshots.has(layer.chainId)))
  // A whole tree holds all that is below it.
  const needed = snapshots.driver === 'copy' ? present.lastIndexOf(true) + 1 : 0
  return layers.filter((_, i) => i >= needed && present[i] !== true)
}

/** Layers that become one snapshot, of which each is one more. */
interface Group {
  readonly parents: readonly Digest[]
  readonly layers: readonly [StackLayer, ...StackLayer[]]
}

const underWay = new Map<Digest, Promise<IndexedLayer[]>>()

/** Makes every snapshot of a stack that is needed; returns the layers whose contents list was written for the first time. */
export async function unpackStack(
  inner: Inner,
  { layers, temps }: InnerCalls['unpack'],
  signal: AbortSignal,
): Promise<IndexedLayer[]> {
  const indexed = new Map<Digest, IndexedLayer>()
  for (const group of await groupsOf(inner, layers)) {
    const top = group.layers.at(-1)?.chainId ?? group.layers[0].chainId
    // A stack may hold a layer twice (empty ones do): it is listed once.
    const tempFor = (diffId: Digest): string | undefined => (indexed.has(diffId) ? undefined : temps[diffId])
    const work = underWay.get(top) ?? unpackGroup(inner, { group, top, tempFor }, signal)
    underWay.set(top, work)
    try {
      for (const made of await work) indexed.set(made.diffId, made)
    } finally {
      underWay.delete(top)
    }
  }
  return [...indexed.values()]
}

/** An overlay needs each layer by itself; where trees are whole, one is made of all that is missing, and none in between. */
async function groupsOf(inner: Inner, layers: readonly StackLayer[]): Promise<Group[]> {
  const parentsOf = (i: number): Digest[] => layers.slice(0, i).map((layer) => layer.chainId)
  if (inner.snapshots.driver === 'overlay')
    return layers.map((layer, i) => ({ parents: parentsOf(i), layers: [layer] }))
  const [first, ...rest] = await missingLayers(inner, layers)
  return first === undefined ? [] : [{ parents: parentsOf(layers.indexOf(first)), layers: [first, ...rest] }]
}

interface GroupWork {
  readonly group: Group
  /** ChainID of the snapshot. */
  readonly top: Digest
  readonly tempFor: (diffId: Digest) => string | undefined
}

async function unpackGroup(
  inner: Inner,
  { group, top, tempFor }: GroupWork,
  signal: AbortSignal,
): Promise<IndexedLayer[]> {
  if (await inner.snapshots.has(top)) return []
  const draft = await inner.snapshots.begin(group.parents)
  const indexed: IndexedLayer[] = []
  try {
    for (const layer of group.layers) {
      const isListed = existsSync(layer.contentsPath) || indexed.some(({ diffId }) => diffId === layer.diffId)
      const contentsPath = isListed ? undefined : tempFor(layer.diffId)
      const size = await unpackInto(draft, { inner, layer, contentsPath }, signal)
      if (contentsPath !== undefined) indexed.push({ diffId: layer.diffId, size, contentsPath })
    }
    await inner.snapshots.commit(draft, top)
    return indexed
  } catch (error) {
    await draft.discard()
    throw error
  }
}

interface LayerWork {
  readonly inner: Inner
  readonly layer: StackLayer
  readonly contentsPath: string | undefined
}

/** The size of the layer in bytes. */
async function unpackInto(
  draft: Draft,
  { inner, layer, contentsPath }: LayerWork,
  signal: AbortSignal,
): Promise<number> {
  const applier = draft.applier({ owners: inner.mode.kind !== 'single' })
  const arriving = openArriving(layer, signal)
  const { size } = await unpackLayer(
    { blobPath: arriving?.bytes ?? layer.blobPath, expectedDiffId: layer.diffId, applier, contentsPath },
    signal,
  )
  await arriving?.verified()
  return size
}
