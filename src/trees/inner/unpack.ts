/** Layers into snapshots, lowest first: each is unpacked once, however many steps want it at the same time. */
import { existsSync } from 'node:fs'
import type { Digest } from '../../core/digest.ts'
import { unpackLayer } from '../../layer/unpack.ts'
import type { InnerCalls } from '../client.ts'
import type { IndexedLayer, StackLayer } from '../contract.ts'
import type { Inner } from './state.ts'

const underWay = new Map<Digest, Promise<IndexedLayer | undefined>>()

/** Makes every snapshot of a stack; returns the layers whose contents list was written for the first time. */
export async function unpackStack(
  inner: Inner,
  { layers, temps }: InnerCalls['unpack'],
  signal: AbortSignal,
): Promise<IndexedLayer[]> {
  const indexed = new Map<Digest, IndexedLayer>()
  for (const [i, layer] of layers.entries()) {
    const parents = layers.slice(0, i).map((l) => l.chainId)
    // A stack may hold a layer twice (empty ones do): it is listed once.
    const temp = indexed.has(layer.diffId) ? undefined : temps[layer.diffId]
    const work = underWay.get(layer.chainId) ?? unpackOne(inner, { layer, parents, temp }, signal)
    underWay.set(layer.chainId, work)
    try {
      const made = await work
      if (made !== undefined) indexed.set(made.diffId, made)
    } finally {
      underWay.delete(layer.chainId)
    }
  }
  return [...indexed.values()]
}

async function unpackOne(
  inner: Inner,
  { layer, parents, temp }: { layer: StackLayer; parents: readonly Digest[]; temp: string | undefined },
  signal: AbortSignal,
): Promise<IndexedLayer | undefined> {
  if (await inner.snapshots.has(layer.chainId)) return undefined
  const contentsPath = existsSync(layer.contentsPath) ? undefined : temp
  const draft = await inner.snapshots.begin(parents)
  try {
    const applier = draft.applier({ owners: inner.mode.kind !== 'single' })
    const { size } = await unpackLayer(
      { blobPath: layer.blobPath, expectedDiffId: layer.diffId, applier, contentsPath },
      signal,
    )
    await inner.snapshots.commit(draft, layer.chainId)
    return contentsPath === undefined ? undefined : { diffId: layer.diffId, size, contentsPath }
  } catch (error) {
    await draft.discard()
    throw error
  }
}
