/** Trees of one store under different maps of ids: each map has its own, and the layers that come of them are the same. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noStaticBusybox } from '../support/busybox.ts'
import { lacks, noFullMap, noUserNamespace } from '../support/need.ts'
import { type Bench, openBench } from '../support/trees.ts'

const unfit = [
  lacks('userns', noUserNamespace()),
  lacks('mapped', noFullMap()),
  lacks('tools', noStaticBusybox()),
].includes(true)
const scope = { signal: new AbortController().signal, emit: () => undefined }

describe.skipIf(unfit).each(['overlay', 'copy'] as const)('on %s', (driver) => {
  let mapped: Bench
  let others: readonly (readonly [name: string, bench: Bench])[]
  beforeAll(async () => {
    mapped = await openBench('mapped', driver)
    others = [
      ['single', await mapped.other('single')],
      ['other ids', await mapped.other('mapped', 'other ids')],
    ]
  })
  afterAll(async () => {
    for (const [, bench] of others) await bench.close()
    await mapped.close()
  })

  test('a tree is not there for another map, and is made again for it', async () => {
    const layers = await mapped.layer([{ name: 'owned', pax: { uid: '5', gid: '6' }, data: 'x' }], mapped.base)
    for (const [name, { trees }] of others) {
      expect((await trees.missing(layers, scope)).at(-1), name).toEqual(layers.at(-1))
      await trees.unpack(layers, () => '', scope)
      expect(await trees.missing(layers, scope), name).toEqual([])
    }
    expect(await mapped.trees.missing(layers, scope)).toEqual([])
    const root = join(await mapped.store.snapshotsDir('x'), '..')
    const folders = readdirSync(root).filter((name) => name !== 'x')
    expect(folders.filter((name) => name.startsWith(`${driver}-`))).toHaveLength(3)
  })

  test('a run sees the same owners under each, and makes the same layer', async () => {
    const layers = await mapped.layer([{ name: 'owned', pax: { uid: '5', gid: '6' }, data: 'x' }], mapped.base)
    const script = 'stat -c %u:%g owned; touch new; chown 7:8 new; chown :9 owned; mkdir d; chown 10 d; cp -a new d'
    const results = []
    for (const [, bench] of [['mapped', mapped] as const, ...others]) {
      await bench.trees.unpack(layers, () => '', scope)
      const { stdout, layer } = await bench.run(script, { layers })
      results.push({ stdout, layer: layer.map(({ path, type, uid, gid, mode }) => ({ path, type, uid, gid, mode })) })
    }
    expect(results[0]?.stdout).toBe('5:6\n')
    expect(results[0]?.layer).toContainEqual({ path: 'owned', type: 'file', uid: 5, gid: 9, mode: 0o644 })
    expect(results[1]).toEqual(results[0])
    expect(results[2]).toEqual(results[0])
  })
})
