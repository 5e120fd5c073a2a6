/** What automatic builds keep on disk, and what a crash leaves of it. */
import { appendFileSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDeliveries } from '../../src/autobuild/deliveries.ts'
import { openQueue, type Wanted } from '../../src/autobuild/queue.ts'
import { openStateFiles } from '../../src/autobuild/state.ts'
import { tempDir } from '../support/temp.ts'

const id = (n: number): string => `id ${String(n).padStart(64, '0')}`
const body = (n: number): string => `body ${String(n).padStart(64, '0')}`
const wanted = (image: string, rule = 'rule'): Wanted => ({
  repository: 'app',
  rule,
  ref: 'refs/heads/main',
  images: image.split(' '),
  dockerfile: 'Dockerfile',
  cause: 'push',
})

describe('deliveries', () => {
  it('are taken once, over restarts and torn lines, and again only if they were given back', async () => {
    const path = join(tempDir(), 'deliveries')
    const first = await openDeliveries(path)
    const claim = first.claim('app', { once: [id(1), body(1)], notTwice: undefined })
    expect(first.claim('app', { once: [id(1)], notTwice: undefined })).toBeUndefined()
    claim!.giveBack()
    await first.claim('app', { once: [id(1), body(1)], notTwice: undefined })!.keep()
    expect(first.claim('other', { once: [id(2), body(1)], notTwice: undefined })).toBeUndefined()
    appendFileSync(path, 'id 00000000')
    const second = await openDeliveries(path)
    expect(second.claim('app', { once: [id(1)], notTwice: undefined })).toBeUndefined()
    await second.claim('app', { once: [id(3)], notTwice: undefined })!.keep()
    expect(readFileSync(path, 'utf8').split('\n').filter(Boolean)).toEqual([id(1), body(1), id(3)])
  })

  it('that say nothing of when may come again after another one', async () => {
    const path = join(tempDir(), 'deliveries')
    const deliveries = await openDeliveries(path)
    const take = (n: number, text: string, repository = 'app'): Promise<void> | undefined =>
      deliveries.claim(repository, { once: [id(n)], notTwice: text })?.keep()
    await take(1, body(1))
    expect(take(2, body(1))).toBeUndefined()
    await take(3, body(1), 'other')
    await take(4, body(2))
    await take(5, body(1))
    expect((await openDeliveries(path)).claim('app', { once: [id(6)], notTwice: body(1) })).toBeUndefined()
  })

  it('are forgotten in the end, the oldest first', async () => {
    const path = join(tempDir(), 'deliveries')
    writeFileSync(path, `${Array.from({ length: 50_000 }, (_, i) => id(i)).join('\n')}\n`)
    const deliveries = await openDeliveries(path)
    expect(readFileSync(path, 'utf8').split('\n').length).toBe(20_001)
    expect(deliveries.claim('app', { once: [id(29_999)], notTwice: undefined })).toBeDefined()
    expect(deliveries.claim('app', { once: [id(30_000)], notTwice: undefined })).toBeUndefined()
  })
})

describe('the queue', () => {
  it('runs builds of other images at once, and of the same ones after each other', async () => {
    const files = await openStateFiles(tempDir())
    const queue = await openQueue(files)
    for (const [image, rule] of [
      ['a', 'r1'],
      ['a', 'r2'],
      ['b', 'r1'],
      ['a b', 'r3'],
    ])
      await queue.add(wanted(image!, rule))
    const [one, two, none] = [await queue.take(), await queue.take(), await queue.take()]
    expect([one, two, none].map((record) => record?.images)).toEqual([['a'], ['b'], undefined])
    await queue.end(one!.id, { status: 'done' })
    const three = await queue.take()
    expect([three?.rule, await queue.take()]).toEqual(['r2', undefined])
    await queue.end(two!.id, { status: 'failed', message: 'x' })
    await queue.end(three!.id, { status: 'done' })
    expect((await queue.take())?.rule).toBe('r3')
    await files.close()
  })

  it('replaces what waits, not what runs', async () => {
    const files = await openStateFiles(tempDir())
    const queue = await openQueue(files)
    for (let i = 0; i < 3; i++) await queue.add(wanted('a'))
    await queue.take()
    await queue.add(wanted('a'))
    await queue.add(wanted('a'))
    expect(queue.list().map(({ status }) => status)).toEqual(['waiting', 'replaced', 'running', 'replaced', 'replaced'])
    await files.close()
  })

  it('waits again for what ran when it was killed, five times', async () => {
    const dir = tempDir()
    for (let round = 1; round <= 6; round++) {
      const files = await openStateFiles(dir)
      // What a killed write leaves.
      writeFileSync(join(dir, 'builds', '000009.json.x.tmp'), '{')
      const queue = await openQueue(files)
      if (round === 1) await queue.add(wanted('a'))
      const record = await queue.take()
      expect(record?.attempts).toBe(round <= 5 ? round : undefined)
      await files.close()
    }
    const files = await openStateFiles(dir)
    expect((await files.readBuilds()).map(({ status }) => status)).toEqual(['failed'])
    expect(readdirSync(join(dir, 'builds'))).toEqual(['000001.json'])
    await files.close()
  })

  it('keeps so many, and skips what cannot be read', async () => {
    const dir = tempDir()
    const files = await openStateFiles(dir)
    const queue = await openQueue(files)
    for (let i = 0; i < 5; i++) {
      const { id: added } = await queue.add(wanted('a'))
      writeFileSync(files.logPath(added), 'log')
      await queue.take()
      await queue.end(added, { status: 'done' })
    }
    await queue.trim('app', 2)
    expect([readdirSync(join(dir, 'builds')), readdirSync(join(dir, 'logs'))].map((names) => names.sort())).toEqual([
      ['000004.json', '000005.json'],
      ['000004.log', '000005.log'],
    ])
    writeFileSync(join(dir, 'builds', '000004.json'), '{"version":1,"id"')
    writeFileSync(join(dir, 'builds', '000003.json'), '{"version":2}')
    expect((await files.readBuilds()).map((one) => one.id)).toEqual(['000005'])
    expect((await (await openQueue(files)).add(wanted('a'))).id).toBe('000006')
    await files.close()
  })

  it('is for one process, and for nobody else to read', async () => {
    const dir = join(tempDir(), 'autobuild')
    mkdirSync(join(dir, '..'), { recursive: true })
    const files = await openStateFiles(dir)
    await expect(openStateFiles(dir)).rejects.toMatchObject({ code: 'store-busy' })
    await (await openQueue(files)).add(wanted('a'))
    await files.writeRefs({ r: { 'refs/heads/main': { commit: 'c', outcome: 'done' } } })
    expect(await files.readRefs()).toEqual({ r: { 'refs/heads/main': { commit: 'c', outcome: 'done' } } })
    const modes = ['.', 'builds', 'logs', 'builds/000001.json', 'refs.json'].map(
      (path) => statSync(join(dir, path)).mode & 0o77,
    )
    expect(modes).toEqual([0, 0, 0, 0, 0])
    await files.close()
    await (await openStateFiles(dir)).close()
  })
})
