import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import { openStore } from '../../src/store/store.ts'
import { withLock } from '../../src/store/lock.ts'
import { bundleScript, ended, startScript } from '../support/child.ts'
import { tempDir } from '../support/temp.ts'
import { putTiny } from './images.ts'

let child = ''

beforeAll(async () => {
  child = await bundleScript(join(import.meta.dirname, 'store-child.ts'))
})

async function expectWhole(root: string): Promise<void> {
  const store = await openStore(root)
  const dir = join(root, 'oci-v1/blobs/sha256')
  for (const name of readdirSync(dir)) expect(digestOf(readFileSync(join(dir, name)))).toBe(`sha256:${name}`)
  for (const image of await store.images.list()) {
    expect(await store.blobs.sizeOf(image.manifest.digest)).toBe(image.manifest.size)
    expect(await store.blobs.sizeOf(image.id)).toBeDefined()
  }
}

describe('processes on one store', () => {
  test('eight at once write the same and other blobs, images and records, and none is lost', async () => {
    const root = tempDir()
    const children = Array.from({ length: 8 }, (_, i) => startScript(child, [root, `p${i}`, '5']))
    expect(await Promise.all(children.map(ended))).toEqual(Array(8).fill(0))
    const store = await openStore(root)
    const names = (await store.images.list()).flatMap((image) => image.names)
    expect(names.filter((n) => n.includes('library/p'))).toHaveLength(40)
    expect(names.filter((n) => n.includes('contested'))).toHaveLength(1)
    expect(readdirSync(join(root, 'tmp'))).toEqual([])
    expect(readdirSync(join(root, 'leases'))).toEqual([])
    await expectWhole(root)
  })

  test('killed at any moment, they leave a store that the next one uses, without temp files or leases', async () => {
    const root = tempDir()
    for (let round = 0; round < 25; round++) {
      const process = startScript(child, [root, `r${round}`, '1000'])
      await once(process.stdout!, 'data')
      await delay(Math.random() * 60)
      process.kill('SIGKILL')
      await ended(process)
    }
    const store = await openStore(root)
    await store.sweep()
    expect(readdirSync(join(root, 'tmp'))).toEqual([])
    expect(readdirSync(join(root, 'leases'))).toEqual([])
    await expectWhole(root)
    const start = performance.now()
    await putTiny(store, 'after', ['docker.io/library/after:latest'])
    // At once as a rule; one killed between taking a lock and signing it holds it until it is stale.
    expect(performance.now() - start).toBeLessThan(13_000)
  })

  test('a lock of a killed holder is broken within seconds, one of a living holder is respected', async () => {
    const dir = tempDir()
    mkdirSync(join(dir, 'index.lock'))
    const dead = spawn('sleep', ['0'])
    await once(dead, 'exit')
    const { ownedName, selfOwner } = await import('../../src/host/owner.ts')
    const self = selfOwner()
    const name = ownedName('index').replace(`-${self.pid}-`, `-${dead.pid ?? 0}-`)
    writeFileSync(join(dir, 'index.owner'), name)
    const start = performance.now()
    await withLock(dir, 'index', () => Promise.resolve())
    expect(performance.now() - start).toBeLessThan(4000)
    const order: string[] = []
    const first = withLock(dir, 'index', async () => {
      await delay(50)
      order.push('first')
    })
    await Promise.all([first, withLock(dir, 'index', () => Promise.resolve(order.push('second')))])
    expect(order).toEqual(['first', 'second'])
  })
})

describe('sweeping', () => {
  test('takes files and folders of dead owners, and leaves those of the living and young strangers', async () => {
    const store = await openStore(tempDir())
    const { ownedName, selfOwner } = await import('../../src/host/owner.ts')
    const tmp = join(store.root, 'tmp')
    const self = selfOwner()
    const dead = ownedName('dead').replace(`-${self.start}-`, `-${Number(self.start) - 1}-`)
    const otherNamespace = ownedName('foreign').replace(`-${self.pidNamespace}-`, '-1-')
    const otherBoot = ownedName('boot').replace(self.boot, '00000000')
    mkdirSync(join(tmp, dead, 'sub'), { recursive: true })
    writeFileSync(join(tmp, dead, 'sub', 'file'), '')
    for (const name of [otherNamespace, otherBoot, 'stranger', ownedName('own')]) writeFileSync(join(tmp, name), '')
    await store.sweep()
    expect(readdirSync(tmp)).toHaveLength(4)
    const old = Date.now() / 1000 - 2 * 86400
    for (const name of readdirSync(tmp)) utimesSync(join(tmp, name), old, old)
    await store.sweep()
    expect(readdirSync(tmp).map((name) => name.split('-').at(-1))).toEqual(['own'])
  })

  test('does not touch the lease of a living process', async () => {
    const store = await openStore(tempDir())
    const lease = await store.lease()
    await store.sweep()
    expect(readdirSync(join(store.root, 'leases'))).toHaveLength(1)
    await lease.release()
    expect(readdirSync(join(store.root, 'leases'))).toHaveLength(0)
  })

  test.skipIf(process.geteuid?.() !== 0)('does not delete through a mount', async () => {
    const store = await openStore(tempDir())
    const { ownedName, selfOwner } = await import('../../src/host/owner.ts')
    const self = selfOwner()
    const dead = ownedName('mnt').replace(`-${self.start}-`, `-${Number(self.start) - 1}-`)
    const point = join(store.root, 'tmp', dead)
    mkdirSync(point)
    execFileSync('mount', ['-t', 'tmpfs', 'none', point])
    try {
      writeFileSync(join(point, 'precious'), '')
      await store.sweep()
      expect(existsSync(join(point, 'precious'))).toBe(true)
    } finally {
      execFileSync('umount', [point])
    }
    await store.sweep()
    expect(existsSync(point)).toBe(false)
  })
})
