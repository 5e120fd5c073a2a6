/**
 * A hundred random interleavings of processes that build, load, tag, remove and prune on one store, some of them killed at a random
 * moment: whatever has a name by then that nobody took off is whole.
 */
import { once } from 'node:events'
import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openStore } from '../../src/store/store.ts'
import { loadImage } from '../../src/transfer/documents.ts'
import { type Home, finished, newHome } from '../support/wherry.ts'

const rounds = Number(process.env['WHERRY_INTERLEAVINGS'] ?? 100)
const victims = ['victim:1', 'victim:2', 'victim:3']

let home: Home
let archive: string

beforeAll(async () => {
  home = await newHome()
  archive = join(home.dir, 'saved.tar')
  for (const name of ['keep:1', 'keep:2', 'saved:1']) await home.ok('build', '-q', '-t', name, await context(name))
  await home.ok('save', '-o', archive, 'saved:1')
})
afterAll(() => home.remove())

/** A context of a few layers, told from others by a word. */
async function context(word: string): Promise<string> {
  const dir = join(home.dir, `context-${word.replace(/\W/g, '-')}`)
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, 'shared'), 'the same in all of them\n'.repeat(3000))
  await writeFile(join(dir, 'own'), `${word}\n`.repeat(3000))
  await writeFile(join(dir, 'Dockerfile'), 'FROM scratch\nCOPY shared /\nCOPY own /\nENV A=b\nCOPY shared /again\n')
  return dir
}

/** mulberry32: the same numbers for the same seed, from 0 to 1. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

interface Deed {
  readonly args: readonly string[]
  /** A name that must be there if the process ended well. */
  readonly promises?: string
}

async function randomDeed(random: () => number, unique: string): Promise<Deed> {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  const victim = pick(victims)
  const base = join(home.dir, `on-${unique}`)
  const deeds: readonly (() => Promise<Deed>)[] = [
    async () => ({
      args: ['build', '-q', '-t', `built:${unique}`, await context(victim)],
      promises: `built:${unique}`,
    }),
    async () => ({
      args: ['build', '-q', '-t', `built:${unique}`, await context(unique)],
      promises: `built:${unique}`,
    }),
    async () => {
      await mkdir(base)
      await writeFile(join(base, 'Dockerfile'), `FROM ${pick([victim, 'keep:1'])}\nCOPY Dockerfile /on\n`)
      return { args: ['build', '-q', '--pull=never', '-t', `built:${unique}`, base], promises: `built:${unique}` }
    },
    () =>
      Promise.resolve({ args: ['tag', pick([victim, 'keep:2']), `tagged:${unique}`], promises: `tagged:${unique}` }),
    () => Promise.resolve({ args: ['load', '-q', '-i', archive], promises: 'saved:1' }),
    () => Promise.resolve({ args: ['rmi', victim] }),
    () => Promise.resolve({ args: ['rmi', '-f', ...victims] }),
    () => Promise.resolve({ args: ['untag', victim] }),
    () => Promise.resolve({ args: ['prune', '-f'] }),
    () => Promise.resolve({ args: ['prune', '-f', '--filter', 'until=0s'] }),
    () => Promise.resolve({ args: ['images', '-a', '-q'] }),
  ]
  return pick(deeds)()
}

/** Starts processes at random moments, kills a third of them, and says what those that ended well have promised. */
async function interleave(round: number): Promise<readonly string[]> {
  const random = randomNumbers(round)
  const starts = Array.from({ length: 6 }, (_, i) => `${round}-${i}`).map(async (unique) => {
    const { args, promises } = await randomDeed(random, unique)
    const [start, killed, life] = [random() * 250, random() < 0.35, random() * 500]
    await delay(start)
    const child = home.start(args)
    const end = finished(child)
    if (killed) {
      await Promise.race([delay(life), once(child, 'exit')])
      child.kill('SIGKILL')
    }
    const { code } = await end
    return code === 0 && promises !== undefined ? [promises] : []
  })
  return (await Promise.all(starts)).flat()
}

/** Every blob is what its name says, and every image has its documents and layers. */
async function names(): Promise<string[]> {
  const dir = join(home.store, 'oci-v1/blobs/sha256')
  for (const blob of await readdir(dir)) {
    const hash = createHash('sha256').update(await readFile(join(dir, blob)))
    expect(hash.digest('hex')).toBe(blob)
  }
  const store = await openStore(home.store)
  const images = await store.images.list()
  for (const image of images) {
    const { image: loaded } = await loadImage(image, store)
    for (const { diffId, blob } of loaded.layers) {
      const forms = [blob.digest, ...((await store.layers.get(diffId))?.forms ?? []).map((form) => form.digest)]
      const sizes = await Promise.all(forms.map((digest) => store.blobs.sizeOf(digest)))
      expect(
        sizes.some((size) => size !== undefined),
        `layer ${diffId} of ${image.names.join(' ')}`,
      ).toBe(true)
    }
  }
  return images.flatMap((image) => image.names.map((name) => name.replace('docker.io/library/', '')))
}

it(`lose nothing that is reachable, ${rounds} times`, { timeout: 3_600_000 }, async () => {
  const promised = new Set(['keep:1', 'keep:2', 'saved:1'])
  for (let round = 1; round <= rounds; round++) {
    for (const victim of victims) await home.ok('build', '-q', '-t', victim, await context(victim))
    for (const name of await interleave(round)) promised.add(name)
    const found = await names()
    expect(
      [...promised].filter((name) => !found.includes(name)),
      `lost in round ${round}`,
    ).toEqual([])
    // No more than is needed to be seen again in the rounds to come.
    const old = [...promised].filter((name) => /^(built|tagged):/.test(name)).slice(0, -12)
    if (old.length > 0) await home.ok('rmi', ...old)
    for (const name of old) promised.delete(name)
  }
  await home.ok('prune', '-f', '--filter', 'until=0s')
  expect(await names()).toEqual(expect.arrayContaining([...promised]))
  // What was left by the killed is gone with the next sweep.
  expect(await readdir(join(home.store, 'tmp'))).toEqual([])
})
