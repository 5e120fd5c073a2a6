/** Compression: what comes out, in which bytes, and what damage does. */
import { Readable } from 'node:stream'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decompress } from '../../src/archive/decompress.ts'
import { detectCompression, sniffCompression } from '../../src/archive/detect.ts'
import { gzipParallel } from '../../src/archive/gzip.ts'
import { xxh64 } from '../../src/archive/xxh64.ts'

async function* chunked(bytes: Buffer, step: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += step) yield await Promise.resolve(bytes.subarray(at, at + step))
}

async function all(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Bytes that compress a little, the same on every run. */
function sample(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0, x = 1; i < length; i++) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) & 0x7fffffff
    bytes[i] = (x >> 16) & 0x1f
  }
  return bytes
}

describe('gzip in members', () => {
  const source = sample(2_500_000)

  it('gives the same bytes whatever the chunks and the threads', async () => {
    const expected = await all(gzipParallel(chunked(source, source.length), { concurrency: 1 }))
    expect((await all(gzipParallel(chunked(source, 65_537), { concurrency: 7 }))).equals(expected)).toBe(true)
    expect(gunzipSync(expected).equals(source)).toBe(true)
  })

  it('writes headers without time, name or system', async () => {
    const out = await all(gzipParallel(chunked(Buffer.from('x'), 1)))
    expect(out.subarray(0, 10)).toEqual(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]))
  })

  it('gives one empty member for nothing', async () => {
    expect(gunzipSync(await all(gzipParallel(chunked(Buffer.alloc(0), 1))))).toHaveLength(0)
  })

  it('passes on an error of the source', async () => {
    const broken = (async function* () {
      yield await Promise.resolve(sample(3 << 20))
      throw new Error('disk on fire')
    })()
    await expect(all(gzipParallel(broken))).rejects.toThrow('disk on fire')
  })
})

describe('decompressing', () => {
  const zipped = gzipSync(sample(300_000))

  it('takes several gzip members as one content', async () => {
    const twice = Buffer.concat([zipped, zipped])
    const whole = await all(decompress(chunked(twice, 1000), 'gzip'))
    expect(whole.equals(Buffer.concat([sample(300_000), sample(300_000)]))).toBe(true)
  })

  it('refuses a truncated and a damaged stream', async () => {
    await expect(all(decompress(chunked(zipped.subarray(0, -20), 1000), 'gzip'))).rejects.toMatchObject({
      code: 'archive-invalid',
      message: 'the gzip stream is truncated',
    })
    const bad = Buffer.from(zipped).fill(0xff, 1000, 1100)
    await expect(all(decompress(chunked(bad, 1000), 'gzip'))).rejects.toMatchObject({ code: 'archive-invalid' })
  })

  it('stops at the bound', async () => {
    const bomb = gzipSync(Buffer.alloc(10 << 20))
    await expect(all(decompress(chunked(bomb, 4096), 'gzip', { maxBytes: 1 << 20 }))).rejects.toMatchObject({
      code: 'archive-invalid',
    })
  })

  it('passes an error of the source on as it is', async () => {
    const error = new Error('connection lost')
    const broken = new Readable({
      read() {
        this.push(zipped.subarray(0, 100))
        this.destroy(error)
      },
    })
    await expect(all(decompress(broken, 'gzip'))).rejects.toBe(error)
  })

  it('can be cancelled while it waits for its source', async () => {
    const controller = new AbortController()
    const silent = new Readable({ read: () => undefined })
    silent.push(zipped.subarray(0, 100))
    setTimeout(() => controller.abort(), 20)
    await expect(all(decompress(silent, 'gzip', { signal: controller.signal }))).rejects.toMatchObject({
      code: 'cancelled',
    })
  })

  it.each(['zstd', 'xz', 'bzip2', 'gzip'] as const)(
    'never throws anything but an error with a code for broken %s',
    async (kind) => {
      const magics = { zstd: '28b52ffd', xz: 'fd377a585a00', bzip2: '425a6839314159265359', gzip: '1f8b0800' }
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (tail) => {
          const bytes = Buffer.concat([Buffer.from(magics[kind], 'hex'), tail])
          const outcome = await all(decompress(chunked(bytes, 50), kind)).catch((error: unknown) => error)
          if (!Buffer.isBuffer(outcome)) expect(outcome).toHaveProperty('code', expect.stringMatching(/^archive-/))
        }),
        { numRuns: 60 },
      )
    },
  )
})

describe('telling compressions', () => {
  it.each([
    ['gzip', '1f8b08'],
    ['zstd', '28b52ffd'],
    ['zstd', '5a2a4d18'],
    ['xz', 'fd377a585a00'],
    ['bzip2', '425a68'],
    ['none', '7573746172'],
    ['none', ''],
  ])('knows %s by %s', (kind, magic) => expect(detectCompression(Buffer.from(magic, 'hex'))).toBe(kind))

  it('gives the stream back whole', async () => {
    const { kind, source } = await sniffCompression(chunked(gzipSync('text'), 1))
    expect(kind).toBe('gzip')
    expect((await all(decompress(source, kind))).toString()).toBe('text')
  })
})

describe('XXH64', () => {
  it.each([
    ['', 0x51d8e999],
    ['a', 0xa98c6e5b],
    ['abc', 0xad770999],
  ])('of "%s" ends in its known bytes', (text, low) => {
    const hash = xxh64()
    hash.update(Buffer.from(text))
    expect(hash.low32()).toBe(low)
  })
})
