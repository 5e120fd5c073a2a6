/** The compressors of the host as judges: their output is read, whatever the level, in one or several streams. */
import { execFileSync } from 'node:child_process'
import { createReadStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { decompress } from '../../src/archive/decompress.ts'
import { sniffCompression } from '../../src/archive/detect.ts'
import { gzipParallel } from '../../src/archive/gzip.ts'
import { tempDir } from '../support/temp.ts'
import { lacks, missingTools } from '../support/need.ts'

async function all(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Text, runs, noise and this very file: 3 MB. */
const content = Buffer.concat([
  Buffer.alloc(1_000_000, 'the quick brown fox '),
  Buffer.alloc(500_000),
  Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * i * 7919) >> (i % 13))),
  Buffer.alloc(500_000, 'ab'),
])

function pipeThrough(program: string, args: readonly string[], input: Buffer): Buffer {
  return execFileSync(program, args, { input, maxBuffer: 64 << 20 })
}

const cases: readonly (readonly [program: string, args: readonly string[]])[] = [
  ['gzip', ['-1']],
  ['gzip', ['-9']],
  ['bzip2', ['-1']],
  ['bzip2', ['-9']],
  ['xz', ['-0']],
  ['xz', ['-9', '--check=crc32']],
  ['zstd', ['-1']],
  ['zstd', ['-19']],
  ['zstd', ['-3', '--no-check']],
  ['zstd', ['--long=24']],
]

describe.each(cases)('%s %s', (program, args) => {
  it.skipIf(lacks('tools', missingTools(program)))(
    'is read, alone, twice in a row, empty, and not when damaged',
    async () => {
      const packed = pipeThrough(program, [...args, '-c'], content)
      const read = async (bytes: Buffer): Promise<Buffer> => {
        const { kind, source } = await sniffCompression(Readable.from([bytes], { objectMode: false }))
        return all(decompress(source, kind))
      }
      expect((await read(packed)).equals(content)).toBe(true)
      expect((await read(Buffer.concat([packed, packed]))).equals(Buffer.concat([content, content]))).toBe(true)
      expect(await read(pipeThrough(program, [...args, '-c'], Buffer.alloc(0)))).toHaveLength(0)
      await expect(read(packed.subarray(0, packed.length - 10))).rejects.toMatchObject({ code: 'archive-invalid' })
      const bad = Buffer.from(packed)
      bad.fill(0x55, packed.length >> 1, (packed.length >> 1) + 8)
      if (!args.includes('--no-check')) await expect(read(bad)).rejects.toMatchObject({ code: 'archive-invalid' })
    },
  )
})

describe('gzip in members', () => {
  it.skipIf(lacks('tools', missingTools('gzip')))('is read by gzip', async () => {
    const packed = await all(gzipParallel(Readable.from([content], { objectMode: false })))
    expect(pipeThrough('gzip', ['-dc'], packed).equals(content)).toBe(true)
  })
})

describe('a zstd window that is too large', () => {
  it.skipIf(lacks('tools', missingTools('zstd')) || 'zstd' in process.versions)(
    'is refused rather than decoded wrongly',
    async () => {
      const file = join(tempDir(), 'x.zst')
      writeFileSync(file, pipeThrough('zstd', ['--long=27', '-c'], content))
      await expect(all(decompress(createReadStream(file), 'zstd'))).rejects.toMatchObject({
        code: 'archive-unsupported',
      })
    },
  )
})
