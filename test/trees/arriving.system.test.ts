/** Layers that are unpacked while their blobs are fetched: read as they grow, published when they are verified. */
import { createHash, randomBytes } from 'node:crypto'
import { appendFileSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Digest, digestOf } from '../../src/core/digest.ts'
import type { StackLayer } from '../../src/trees/contract.ts'
import { noStaticBusybox } from '../support/busybox.ts'
import { lacks, noUserNamespace } from '../support/need.ts'
import { rawTar } from '../support/raw-tar.ts'
import { type Bench, openBench } from '../support/trees.ts'

const skipped = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())
const quiet = (signal = new AbortController().signal): { signal: AbortSignal; emit: () => undefined } => ({
  signal,
  emit: () => undefined,
})

describe.skipIf(skipped)('a layer whose blob is arriving', () => {
  let bench: Bench
  beforeAll(async () => {
    bench = await openBench('single')
  })
  afterAll(() => bench.close())

  /** A new layer over the base, and its compressed bytes; nothing of them is there. */
  const layerOf = (text: string): { stack: StackLayer[]; layer: StackLayer; blob: Buffer } => {
    const tar = rawTar([
      { name: 'noise', data: randomBytes(500_000) },
      { name: 'text', data: text },
    ])
    const diffId: Digest = `sha256:${createHash('sha256').update(tar).digest('hex')}`
    const blob = gzipSync(tar)
    const path = join(bench.store.root, diffId.slice(7))
    const layer: StackLayer = {
      diffId,
      chainId: digestOf(`${bench.base.at(-1)?.chainId} ${diffId}`),
      blobPath: path,
      contentsPath: `${path}.contents`,
      arriving: { path: `${path}.arriving`, size: blob.length },
    }
    return { stack: [...bench.base, layer], layer, blob }
  }
  const unpack = (stack: readonly StackLayer[], signal?: AbortSignal): Promise<unknown> =>
    bench.trees.unpack(stack, () => stack.at(-1)!.contentsPath, quiet(signal))
  const isMissing = async (stack: readonly StackLayer[]): Promise<boolean> =>
    (await bench.trees.missing(stack, quiet())).length > 0
  const growing = ({ arriving }: StackLayer): string => arriving?.path ?? ''

  test('is unpacked as it comes, and there when it is verified', async () => {
    const { stack, layer, blob } = layerOf('first')
    const unpacking = unpack(stack)
    for (let at = 0; at < blob.length; at += 100_000) {
      appendFileSync(growing(layer), blob.subarray(at, at + 100_000))
      await delay(30)
    }
    // All bytes are there, but nobody has said that they are right.
    await delay(200)
    expect(await isMissing(stack)).toBe(true)
    renameSync(growing(layer), layer.blobPath)
    await unpacking
    expect(await isMissing(stack)).toBe(false)
    expect((await bench.run('cat /text', { layers: stack })).stdout).toBe('first')
  })

  test('may turn up under its name at once, or another process may have been quicker', async () => {
    for (const half of [0, 300_000]) {
      const { stack, layer, blob } = layerOf(`half ${half}`)
      if (half > 0) writeFileSync(growing(layer), blob.subarray(0, half))
      const unpacking = unpack(stack)
      await delay(100)
      writeFileSync(`${layer.blobPath}.new`, blob)
      renameSync(`${layer.blobPath}.new`, layer.blobPath)
      await unpacking
      expect((await bench.run('cat /text', { layers: stack })).stdout).toBe(`half ${half}`)
      rmSync(growing(layer), { force: true })
    }
  })

  test('that never comes is given up when asked to', async () => {
    const { stack, layer, blob } = layerOf('never')
    writeFileSync(growing(layer), blob.subarray(0, 200_000))
    const abort = new AbortController()
    const unpacking = unpack(stack, abort.signal)
    setTimeout(() => abort.abort(), 100)
    await expect(unpacking).rejects.toMatchObject({ code: 'cancelled' })
    expect([await isMissing(stack), existsSync(layer.blobPath)]).toEqual([true, false])
  })

  test('whose bytes are wrong is refused', async () => {
    const { stack, layer } = layerOf('right')
    const wrong = gzipSync(rawTar([{ name: 'text', data: randomBytes(600_000) }]))
    writeFileSync(growing(layer), wrong)
    const arriving = { path: growing(layer), size: wrong.length }
    await expect(unpack([...bench.base, { ...layer, arriving }])).rejects.toMatchObject({ code: 'digest-mismatch' })
    expect(await isMissing(stack)).toBe(true)
  })
})
