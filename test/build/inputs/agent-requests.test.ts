import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allowedRequests } from '../../../src/build/inputs/agent-requests.ts'

const list = 11
const sign = 13
/** Add, remove, remove all, add from a card, remove from one, lock, unlock, add with limits (two), extension. */
const changing = [17, 18, 19, 20, 21, 22, 23, 25, 26, 27]
const refused = [0, 0, 0, 1, 255]

function request(type: number, data: Uint8Array = new Uint8Array()): number[] {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length + 1)
  return [...length, type, ...data]
}

/** What comes out when the bytes go in by chunks that end at these places. */
async function passed(bytes: readonly number[], cuts: readonly number[] = []): Promise<number[]> {
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  const chunks = [...ends, bytes.length].map((end, i) => Buffer.from(bytes.slice(ends[i - 1] ?? 0, end)))
  return [...(await buffer(Readable.from(chunks).pipe(allowedRequests())))]
}

test('a step may list keys and sign', async () => {
  const bytes = [...request(list), ...request(sign, Buffer.from('key, data, flags')), ...request(list)]
  expect(await passed(bytes)).toEqual(bytes)
})

test.each(changing)('a request of type %i fails, and nothing of it reaches the agent', async (type) => {
  const bytes = [...request(list), ...request(type, Buffer.from('data')), ...request(list)]
  expect(await passed(bytes)).toEqual([...request(list), ...refused, ...request(list)])
})

test('wherever the chunks end', async () => {
  const requests = fc.array(fc.tuple(fc.constantFrom(list, sign, ...changing), fc.uint8Array({ maxLength: 20 })))
  await fc.assert(
    fc.asyncProperty(requests, fc.array(fc.nat(200)), async (wanted, cuts) => {
      const bytes = wanted.flatMap(([type, data]) => request(type, data))
      const expected = wanted.flatMap(([type, data]) => (changing.includes(type) ? refused : request(type, data)))
      expect(await passed(bytes, cuts)).toEqual(expected)
    }),
  )
})

test('an unfinished request is passed on as far as it goes', async () => {
  expect(await passed(request(sign, Buffer.from('data')).slice(0, 7))).toEqual([0, 0, 0, 5, sign, 100, 97])
  expect(await passed([0, 0, 0])).toEqual([])
  expect(await passed([0, 0, 0, 0, ...request(list)])).toEqual([...refused, ...request(list)])
})
