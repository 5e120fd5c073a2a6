import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Digest, digestOf, hexOf } from '../../src/core/digest.ts'
import { chainIdOf } from '../../src/oci/image.ts'
import { keepUsedMs } from '../../src/store/collect.ts'
import type { Store } from '../../src/store/contract.ts'
import { openStore } from '../../src/store/store.ts'
import { tempDir } from '../support/temp.ts'
import { putTiny } from './images.ts'

const everything = { usedBefore: Infinity, dryRun: false }

/** As `wherry prune` does without options. */
const lately = (): number => Date.now() - keepUsedMs

async function writeStep(store: Store, name: string): Promise<Digest> {
  const { digest, size } = await store.blobs.write(Buffer.from(`layer of ${name}`))
  await store.layers.note({ diffId: digest, forms: [{ mediaType: 'x', digest, size }], size })
  const record = { diffId: digest, fidelity: 'exact', description: name, createdAt: 'now' } as const
  await store.steps.put(digestOf(name), record)
  return digest
}

function age(store: Store, days: number): void {
  const then = Date.now() / 1000 - days * 86400
  for (const file of readdirSync(join(store.root, 'steps-v1'), { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('.json')) utimesSync(join(store.root, 'steps-v1', file), then, then)
  }
}

describe('a collection', () => {
  test('keeps what images reach and frees the rest', async () => {
    const store = await openStore(tempDir())
    const { image, config, manifest } = await putTiny(store, 'kept', [])
    const loose = await writeStep(store, 'RUN loose')
    const report = await store.collect(everything)
    expect(report).toMatchObject({ blobs: 1, steps: 1 })
    expect(report.bytes).toBeGreaterThan(0)
    expect(await store.blobs.sizeOf(loose)).toBeUndefined()
    expect(await store.layers.get(loose)).toBeUndefined()
    expect(await store.steps.get(digestOf('RUN loose'))).toBeUndefined()
    for (const kept of [image.layers[0]!.diffId, config.descriptor.digest, manifest.descriptor.digest]) {
      expect(await store.blobs.sizeOf(kept)).toBeGreaterThan(0)
    }
  })

  test('without all keeps steps that were used lately, with their layers', async () => {
    const store = await openStore(tempDir())
    const layer = await writeStep(store, 'RUN x')
    expect(await store.collect({ usedBefore: lately(), dryRun: false })).toMatchObject({ blobs: 0, steps: 0 })
    age(store, 30)
    expect(await store.collect({ usedBefore: lately(), dryRun: true })).toMatchObject({ blobs: 1, steps: 1 })
    expect(await store.blobs.sizeOf(layer)).toBeGreaterThan(0)
    expect(await store.collect({ usedBefore: lately(), dryRun: false })).toMatchObject({ blobs: 1, steps: 1 })
    expect(await store.blobs.sizeOf(layer)).toBeUndefined()
  })

  test('keeps what was used last, as long as it fits into the given size', async () => {
    const store = await openStore(tempDir())
    const sizes: number[] = []
    for (const [i, name] of ['RUN oldest', 'RUN older', 'RUN old'].entries()) {
      const layer = await writeStep(store, name)
      sizes.push((await store.blobs.sizeOf(layer)) ?? 0)
      const file = join(store.root, 'steps-v1', hexOf(digestOf(name)).slice(0, 2), `${hexOf(digestOf(name))}.json`)
      utimesSync(file, 1000 + i, 1000 + i)
    }
    const keepBytes = sizes[1]! + sizes[2]!
    const policy = { usedBefore: Infinity, dryRun: false }
    expect(await store.collect({ ...policy, usedBefore: 1_000_500, keepBytes: 0 })).toMatchObject({
      steps: 1,
      blobs: 1,
    })
    expect(await store.collect({ ...policy, keepBytes })).toMatchObject({ steps: 0, blobs: 0 })
    expect(await store.collect({ ...policy, keepBytes: keepBytes - 1 })).toMatchObject({ steps: 1, blobs: 1 })
    expect((await store.listSteps()).map(({ record, lastUsed }) => [record.description, lastUsed])).toEqual([
      ['RUN old', 1_002_000],
    ])
  })

  test('never takes what a lease holds, by diffID or manifest, nor what came after the lease', async () => {
    const store = await openStore(tempDir())
    const held = await writeStep(store, 'RUN held')
    const { config, manifest } = await putTiny(store, 'held image', [])
    await store.images.remove(manifest.descriptor.digest)
    const old = await writeStep(store, 'RUN old')
    // Beyond the second by which the kernel's clock may lag.
    await new Promise((resolve) => setTimeout(resolve, 1500))
    const lease = await store.lease()
    await lease.hold(held, manifest.descriptor.digest)
    const young = await writeStep(store, 'RUN young')
    await store.collect(everything)
    for (const kept of [held, young, config.descriptor.digest]) expect(await store.blobs.sizeOf(kept)).toBeDefined()
    expect(await store.blobs.sizeOf(old)).toBeUndefined()
    await lease.release()
    await store.collect(everything)
    for (const gone of [held, young, config.descriptor.digest]) expect(await store.blobs.sizeOf(gone)).toBeUndefined()
  })

  test('lists snapshots that nothing reaches', async () => {
    const store = await openStore(tempDir())
    const { image } = await putTiny(store, 'kept', [])
    const dir = await store.snapshotsDir('overlay-x')
    const kept = chainIdOf(image.layers.map((l) => l.diffId))!
    const loose = digestOf('no layer')
    for (const chain of [kept, loose]) mkdirSync(join(dir, hexOf(chain)))
    const { snapshots } = await store.collect(everything)
    expect(snapshots).toEqual([{ driver: 'overlay-x', chainId: loose }])
    expect(existsSync(join(dir, hexOf(loose)))).toBe(true)
  })

  test('beside writers loses nothing that they hold', async () => {
    const store = await openStore(tempDir())
    const lost: string[] = []
    const write = async (i: number): Promise<void> => {
      const lease = await store.lease()
      // The same few blobs come and go, so that writers often find one that a collection is about to take.
      const bytes = Buffer.from(`blob ${i % 3}`)
      await lease.hold(digestOf(bytes))
      await store.blobs.write(bytes)
      if ((await store.blobs.sizeOf(digestOf(bytes))) === undefined) lost.push(`${i}`)
      await lease.release()
    }
    const collect = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) await store.collect(everything)
    }
    const writers = Array.from({ length: 4 }, async (_, w) => {
      for (let i = 0; i < 50; i++) await write(w * 50 + i)
    })
    await Promise.all([collect(), ...writers])
    expect(lost).toEqual([])
  })

  test('is not stopped by strange files', async () => {
    const store = await openStore(tempDir())
    writeFileSync(join(store.root, 'steps-v1', 'note.txt'), '')
    writeFileSync(store.blobs.pathOf(digestOf('x')), '{"layers": [{}]}')
    writeFileSync(join(store.root, 'oci-v1/blobs/sha256/README'), '')
    expect(await store.collect(everything)).toMatchObject({ blobs: 1 })
  })
})
