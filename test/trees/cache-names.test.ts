/** Which cache mounts are the same, and who wants them how. */
import { expect, test } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import { cacheName, isCacheName, strictest } from '../../src/trees/inner/cache-mounts.ts'

const request = (id: string, sharing: 'shared' | 'private' | 'locked' = 'shared') =>
  ({ kind: 'cache', id, sharing, source: '/', target: '/', readOnly: false, mode: 0, uid: 0, gid: 0 }) as const
const layer = { diffId: digestOf('d'), blobPath: '', contentsPath: '' }

test('a name is a hash, the same for the same id and beginning', () => {
  const [one, two] = [digestOf('1'), digestOf('2')].map((chainId) => [{ ...layer, chainId }])
  const names = [
    cacheName({ id: 'a' }),
    cacheName({ id: 'b' }),
    cacheName({ id: 'a', seed: one }),
    cacheName({ id: 'a', seed: two }),
  ]
  expect(new Set(names).size).toBe(4)
  expect(names.every(isCacheName)).toBe(true)
  expect(cacheName({ id: 'a', seed: one })).toBe(names[2])
})

test('names of files and of what is half made are no names of cache mounts', () => {
  const name = cacheName({ id: 'a' })
  expect(isCacheName(`${name}.1`)).toBe(true)
  for (const wrong of [`${name}.lock`, `${name}.json`, `${name}.`, `../${name}`, `${name}/..`, 'x', ''])
    expect(isCacheName(wrong), wrong).toBe(false)
})

test('of several wishes for one cache mount the strictest counts', () => {
  const wishes = [request('a'), request('b', 'private'), request('a', 'locked'), request('b'), request('a', 'private')]
  expect([...strictest(wishes).values()].map(({ id, sharing }) => [id, sharing])).toEqual([
    ['a', 'locked'],
    ['b', 'private'],
  ])
})
