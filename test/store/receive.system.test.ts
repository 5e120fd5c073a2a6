/** Blobs that come in pieces: what was cut goes on where it ended, in whatever process, and wrong bytes never become a blob. */
import { randomBytes } from 'node:crypto'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { beforeEach, expect, test } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import type { OpenFrom, Store } from '../../src/store/contract.ts'
import { openStore } from '../../src/store/store.ts'
import { tempDir } from '../support/temp.ts'

const bytes = randomBytes(3_000_000)
const blob = { digest: digestOf(bytes), size: bytes.length }
let store: Store
let asked: number[]
beforeEach(async () => {
  store = await openStore(tempDir())
  asked = []
})

const names = (): string[] => readdirSync(join(store.root, 'tmp'))

/** The bytes, up to `end`, where they are cut; noted is from where they were asked for. */
const from =
  (end = bytes.length, of = bytes): OpenFrom =>
  (start) => {
    asked.push(start)
    const chunks = function* (): Generator<Buffer> {
      for (let at = start; at < end; at += 65_536) yield of.subarray(at, Math.min(end, at + 65_536))
      if (end < bytes.length) throw new Error('cut')
    }
    return Promise.resolve(Readable.from(chunks(), { objectMode: false }))
  }

const isThere = (): boolean => readFileSync(store.blobs.pathOf(blob.digest)).equals(bytes)

test('a cut blob is gone on with, also by another process', async () => {
  await expect(store.blobs.receive(blob, from(1_500_000))).rejects.toThrow('cut')
  expect(await store.blobs.sizeOf(blob.digest)).toBeUndefined()
  await expect(store.blobs.receive(blob, from(2_000_000))).rejects.toThrow('cut')
  const again = await openStore(store.root)
  await again.sweep()
  expect(await again.blobs.receive(blob, from())).toBe(2_000_000)
  expect([asked, isThere(), names()]).toEqual([[0, 1_500_000, 2_000_000], true, []])
  expect(await store.blobs.receive(blob, from())).toBe(blob.size)
  expect(asked).toHaveLength(3)
})

test('of a little nothing is kept', async () => {
  await expect(store.blobs.receive(blob, from(100_000))).rejects.toThrow('cut')
  expect(names()).toEqual([])
})

test('what was torn by a power cut is asked for once more', async () => {
  await expect(store.blobs.receive(blob, from(1_500_000))).rejects.toThrow('cut')
  const path = store.blobs.arrivalPathOf(blob.digest)
  writeFileSync(path, Buffer.concat([bytes.subarray(0, 1_000_000), Buffer.alloc(500_000)]))
  expect(await store.blobs.receive(blob, from())).toBe(1_500_000)
  expect([asked, isThere(), names()]).toEqual([[0, 1_500_000, 0], true, []])
})

test.each([
  ['as long as the blob', bytes.length],
  ['longer than the blob', bytes.length + 1],
])('what lies there and is %s, but not it, is thrown away', async (_, size) => {
  writeFileSync(store.blobs.arrivalPathOf(blob.digest), Buffer.alloc(size))
  expect(await store.blobs.receive(blob, from())).toBe(0)
  expect([asked, isThere()]).toEqual([[0], true])
})

test('what lies there whole is taken without a question', async () => {
  writeFileSync(store.blobs.arrivalPathOf(blob.digest), bytes)
  expect(await store.blobs.receive(blob, from())).toBe(blob.size)
  expect([asked, isThere()]).toEqual([[], true])
})

test.each([
  ['wrong bytes', Buffer.alloc(bytes.length)],
  ['too many bytes', Buffer.concat([bytes, Buffer.alloc(1)])],
])('%s are refused, and nothing stays', async (_, wrong) => {
  const receiving = store.blobs.receive(blob, from(wrong.length, wrong))
  await expect(receiving).rejects.toMatchObject({ code: 'digest-mismatch' })
  expect(names()).toEqual([])
})

test('two that fetch at once do not get into each other’s way', async () => {
  await Promise.all([store.blobs.receive(blob, from()), store.blobs.receive(blob, from())])
  expect([asked, isThere(), names()]).toEqual([[0, 0], true, []])
})

test('an empty blob is one', async () => {
  const empty = { digest: digestOf(''), size: 0 }
  await store.blobs.receive(empty, () => Promise.resolve(Readable.from([])))
  expect(await store.blobs.sizeOf(empty.digest)).toBe(0)
})

test('a collection frees what came of blobs that nobody receives any more', async () => {
  const collect = (dryRun: boolean): Promise<number> =>
    store.collect({ usedBefore: Infinity, dryRun }).then((report) => report.bytes)
  await expect(store.blobs.receive(blob, from(1_500_000))).rejects.toThrow('cut')
  expect([await collect(true), names().length]).toEqual([1_500_000, 1])
  expect([await collect(false), names().length]).toEqual([1_500_000, 0])
  let collected: number | undefined
  const whileItComes: OpenFrom = async (start) => {
    collected = await collect(false)
    return from()(start)
  }
  await store.blobs.receive(blob, whileItComes)
  expect([collected, isThere()]).toEqual([0, true])
})
