import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import { unpackLayer } from '../../src/layer/unpack.ts'
import type { Entry } from '../../src/oci/contents.ts'
import { decodeContents } from '../../src/store/contents-codec.ts'
import { tempDir } from '../support/temp.ts'
import { rawTar } from './items.ts'

const never = new AbortController().signal

/** Entries that a layer is listed with. */
async function list(tar: Buffer): Promise<readonly Entry[]> {
  const contentsPath = join(tempDir(), 'list')
  await unpackLayer({ blobPath: Readable.from([tar]), contentsPath }, never)
  return decodeContents(readFileSync(contentsPath)) ?? []
}

const failure = (code: string): unknown => expect.objectContaining({ code })

describe('a layer that is only read', () => {
  test('gives the same list and diffID in any compression and from any source', async () => {
    const dir = tempDir()
    const tar = rawTar([
      { path: 'd', type: 'dir' },
      { path: 'd/f', type: 'file', bytes: 'x'.repeat(70_000) },
    ])
    writeFileSync(join(dir, 'plain'), tar)
    writeFileSync(join(dir, 'gzip'), gzipSync(tar))
    const results = await Promise.all(
      [join(dir, 'plain'), join(dir, 'gzip'), Readable.from([tar.subarray(0, 700), tar.subarray(700)])].map(
        (blobPath, i) => unpackLayer({ blobPath, contentsPath: join(dir, `list${i}`) }, never),
      ),
    )
    for (const result of results) expect(result).toEqual({ diffId: digestOf(tar), size: tar.length, entries: 2 })
    const lists = [0, 1, 2].map((i) => readFileSync(join(dir, `list${i}`), 'latin1'))
    expect(new Set(lists).size).toBe(1)
    const file = decodeContents(Buffer.from(lists[0]!, 'latin1'))?.[1]
    expect(tar.subarray(file?.offset, file!.offset! + 5).toString()).toBe('xxxxx')
    expect(file?.sha256).toBe(digestOf('x'.repeat(70_000)).slice(7))
  })

  test('leaves a list that reads as torn if anything is wrong with it', async () => {
    const tar = rawTar([{ path: 'f', type: 'file', bytes: 'x' }])
    const cases = [
      [tar, { expectedDiffId: digestOf('other') }, 'digest-mismatch'],
      [tar.subarray(0, 512), {}, 'archive-invalid'],
      [gzipSync(tar).subarray(0, 50), {}, 'archive-invalid'],
      [tar, { maxBytes: 1000 }, 'archive-invalid'],
    ] as const
    for (const [bytes, options, code] of cases) {
      const contentsPath = join(tempDir(), 'list')
      const request = { blobPath: Readable.from([bytes]), contentsPath, ...options }
      await expect(unpackLayer(request, never)).rejects.toThrow(failure(code))
      expect(decodeContents(readFileSync(contentsPath))).toBeUndefined()
    }
  })

  test('can be cancelled', async () => {
    const controller = new AbortController()
    async function* slow(): AsyncGenerator<Buffer> {
      yield rawTar([{ path: 'f', type: 'file', bytes: 'x' }]).subarray(0, 512)
      controller.abort()
      await setTimeout(10)
      yield Buffer.alloc(512)
    }
    await expect(unpackLayer({ blobPath: slow() }, controller.signal)).rejects.toThrow(failure('cancelled'))
  })
})

describe('names in a layer', () => {
  test('are clamped to the root', async () => {
    const entries = await list(
      rawTar([
        { path: '/abs', type: 'file' },
        { path: '../../up', type: 'file' },
        { path: './', type: 'dir' },
        { path: 'a/../../b/./c', type: 'file' },
      ]),
    )
    expect(entries.map((e) => e.path)).toEqual(['abs', 'up', '', 'b/c'])
  })

  test('that lead through a link of the same layer stand for what they lead to', async () => {
    const entries = await list(
      rawTar([
        { path: 'lib', type: 'symlink', link: 'usr/lib' },
        { path: 'lib/x', type: 'file' },
        { path: 'out', type: 'symlink', link: '../../../etc' },
        { path: 'out/passwd', type: 'file' },
        { path: 'lib/y', type: 'hardlink', link: 'lib/x' },
        { path: 'lib/.wh.z', type: 'file' },
        { path: 'lib', type: 'dir' },
        { path: 'lib/w', type: 'file' },
      ]),
    )
    expect(entries.map((e) => `${e.type} ${e.path}`)).toEqual([
      'symlink lib',
      'file usr/lib/x',
      'symlink out',
      'file etc/passwd',
      'hardlink usr/lib/y',
      'whiteout usr/lib/z',
      'dir lib',
      'file lib/w',
    ])
    expect(entries[4]?.link).toBe('usr/lib/x')
  })

  test('of whiteouts are those of what they delete', async () => {
    const entries = await list(
      rawTar([
        { path: 'd/.wh.x', type: 'file' },
        { path: 'd/.wh..wh..opq', type: 'file' },
        { path: '.wh..wh.aufs', type: 'file', bytes: 'aufs' },
      ]),
    )
    expect(entries.map((e) => `${e.type} ${e.path}`)).toEqual(['whiteout d/x', 'opaque d'])
    await expect(list(rawTar([{ path: 'd/.wh...', type: 'file' }]))).rejects.toThrow(failure('archive-invalid'))
  })
})

test("overlayfs's attributes are no part of a layer", async () => {
  const xattrs = { 'user.overlay.opaque': 'y', 'trusted.overlay.redirect': 'x' }
  const entries = await list(
    rawTar([
      { path: 'a', type: 'dir', xattrs },
      { path: 'b', type: 'dir', xattrs: { ...xattrs, 'user.b': '1' } },
    ]),
  )
  expect(entries.map((e) => e.xattrs)).toEqual([undefined, { 'user.b': '1' }])
})
