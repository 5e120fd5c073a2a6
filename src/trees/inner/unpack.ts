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
  const indexed: IndexedLayer[] = []
  for (const [i, layer] of layers.entries()) {
    const parents = layers.slice(0, i).map((l) => l.chainId)
    const work = underWay.get(layer.chainId) ?? unpackOne(inner, { layer, parents, temp: temps[layer.diffId]! }, signal)
    underWay.set(layer.chainId, work)
    try {
      const made = await work
      if (made !== undefined) indexed.push(made)
    } finally {
      underWay.delete(layer.chainId)
    }
  }
  return indexed
}

async function unpackOne(
  inner: Inner,
  { layer, parents, temp }: { layer: StackLayer; parents: readonly Digest[]; temp: string },
  signal: AbortSignal,
): Promise<IndexedLayer | undefined> {
  if (await inner.snapshots.has(layer.chainId)) return undefined
  const isNew = !existsSync(layer.contentsPath)
  const draft = await inner.snapshots.begin(parents)
  try {
    const applier = draft.applier({ owners: inner.mode.kind === 'mapped' })
    const { size } = await unpackLayer(
      { blobPath: layer.blobPath, expectedDiffId: layer.diffId, applier, contentsPath: isNew ? temp : undefined },
      signal,
    )
    await inner.snapshots.commit(draft, layer.chainId)
    return isNew ? { diffId: layer.diffId, size, contentsPath: temp } : undefined
  } catch (error) {
    await draft.discard()
    throw error
  }
}
