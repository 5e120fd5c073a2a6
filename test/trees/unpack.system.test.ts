/** Snapshots of a stack: where trees are whole one is made of it, and none of what lies between. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StackLayer } from '../../src/trees/contract.ts'
import { noStaticBusybox } from '../support/busybox.ts'
import { lacks, noUserNamespace } from '../support/need.ts'
import { type Bench, openBench } from '../support/trees.ts'

const skipped = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())
const scope = { signal: new AbortController().signal, emit: () => undefined }

describe.skipIf(skipped).each(['overlay', 'copy'] as const)('with the %s driver', (driver) => {
  let bench: Bench
  let stack: readonly StackLayer[]
  beforeAll(async () => {
    bench = await openBench('single', driver)
    stack = bench.base
    for (const name of ['one', 'two', 'three']) stack = await bench.layer([{ name, data: name }], stack)
    // Layers are unpacked as they are made here: this is about a stack of which nothing is there.
    await bench.trees.remove(
      stack.map((layer) => layer.chainId),
      scope,
    )
  })
  afterAll(() => bench.close())

  const missing = async (): Promise<number> => (await bench.trees.missing(stack, scope)).length
  const snapshots = (): number => {
    const folder = join(bench.store.root, 'snapshots-v1')
    return readdirSync(join(folder, readdirSync(folder)[0] ?? '')).filter((name) => /^[0-9a-f]{64}$/.test(name)).length
  }
  const unpack = async (layers: readonly StackLayer[]): Promise<void> => {
    await bench.trees.unpack(layers, () => bench.store.tempPath('contents'), scope)
  }

  test('is there as a whole when its top is', async () => {
    expect([await missing(), snapshots()]).toEqual([4, 0])
    await unpack(stack)
    expect([await missing(), snapshots()]).toEqual([0, driver === 'copy' ? 1 : 4])
    expect((await bench.run('cat /one /two /three', { layers: stack })).stdout).toBe('onetwothree')
  })

  test('is made on what of it is there', async () => {
    await bench.trees.remove([stack[3]!.chainId], scope)
    await unpack(stack.slice(0, 2))
    expect(await missing()).toBe(driver === 'copy' ? 2 : 1)
    await Promise.all([unpack(stack), unpack(stack)])
    expect(await missing()).toBe(0)
    expect((await bench.run('cat /one /two /three', { layers: stack })).stdout).toBe('onetwothree')
  })
})
