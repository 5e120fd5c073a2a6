import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fromText } from '../../src/core/bytepath.ts'
import type { SealItem } from '../../src/layer/contract.ts'
import { sealLayer } from '../../src/layer/seal.ts'
import { unpackLayer } from '../../src/layer/unpack.ts'
import { decodeContents } from '../../src/store/contents-codec.ts'
import { lacks, missingTools } from '../support/need.ts'
import { tempDir } from '../support/temp.ts'
import { entryOf } from './items.ts'

const never = new AbortController().signal

function seal(
  dir: string,
  items: Iterable<SealItem>,
  tag = 'layer',
  clampMtime?: bigint,
): ReturnType<typeof sealLayer> {
  return sealLayer({ items, tarPath: join(dir, `${tag}.tar`), contentsPath: join(dir, `${tag}.list`), clampMtime })
}

/** A file to seal, written to `dir`. */
function fileItem(dir: string, path: string, bytes: Buffer | string): SealItem {
  const source = join(dir, `source-${path.replaceAll('/', '-')}`)
  writeFileSync(source, bytes)
  const size = Buffer.byteLength(bytes)
  return { entry: entryOf({ path, type: 'file', size }), source: { path: fromText(source), offset: 0 } }
}

const sizes = [0, 1, 511, 512, 513, 1 << 20, (1 << 20) + 1, (4 << 20) - 512, 4 << 20, (9 << 20) + 3]

describe('a sealed layer', () => {
  test('has every byte where its contents list says, and the digests of all', () => {
    const dir = tempDir()
    const contents = sizes.map((size, i) => Buffer.alloc(size, `${i} ${size} `))
    const result = seal(
      dir,
      contents.map((bytes, i) => fileItem(dir, `d/f${i}`, bytes)),
    )
    const tar = readFileSync(join(dir, 'layer.tar'))
    expect(result.size).toBe(tar.length)
    expect(result.diffId).toBe(`sha256:${createHash('sha256').update(tar).digest('hex')}`)
    const list = decodeContents(readFileSync(join(dir, 'layer.list')))
    expect(list).toHaveLength(sizes.length)
    for (const [i, { offset = 0, size, sha256 }] of list!.entries()) {
      const bytes = tar.subarray(offset, offset + size)
      expect(bytes.equals(contents[i]!)).toBe(true)
      expect(sha256).toBe(createHash('sha256').update(contents[i]!).digest('hex'))
    }
  })

  test('is read back as it was written', async () => {
    const dir = tempDir()
    const items: SealItem[] = [
      { entry: entryOf({ path: '', type: 'dir', mode: 0o700 }) },
      { entry: entryOf({ path: 'd', type: 'dir', mode: 0o1777, uid: 300_000, xattrs: { 'user.a': '\0\xff=' } }) },
      { entry: entryOf({ path: 'd', type: 'opaque', mode: 0, mtime: 0n }) },
      { entry: entryOf({ path: 'd/gone', type: 'whiteout', mode: 0, mtime: 0n }) },
      fileItem(dir, 'd/\u00e9', 'text'),
      { entry: entryOf({ path: 'd/hard', type: 'hardlink', link: 'd/\u00e9' }) },
      { entry: entryOf({ path: 'd/soft', type: 'symlink', mode: 0o777, link: '../x', mtime: -5n }) },
      { entry: entryOf({ path: 'null', type: 'char', devMajor: 1, devMinor: 3 }) },
      { entry: entryOf({ path: 'pipe', type: 'fifo', mtime: 4_102_444_800_123_456_789n }) },
    ]
    const sealed = seal(dir, items)
    const request = {
      blobPath: join(dir, 'layer.tar'),
      contentsPath: join(dir, 'read.list'),
      expectedDiffId: sealed.diffId,
    }
    expect(await unpackLayer(request, never)).toEqual(sealed)
    expect(readFileSync(join(dir, 'read.list'), 'latin1')).toBe(readFileSync(join(dir, 'layer.list'), 'latin1'))
  })

  test('is the same for the same entries, and takes bytes from the middle of a file', () => {
    const dir = tempDir()
    writeFileSync(join(dir, 'spool'), 'AAAbbbbCC')
    const part = (path: string, offset: number, size: number): SealItem => {
      return { entry: entryOf({ path, type: 'file', size }), source: { path: fromText(join(dir, 'spool')), offset } }
    }
    const first = seal(dir, [part('a', 0, 3), part('b', 3, 4), part('c', 7, 2)], 'first')
    const whole = [fileItem(dir, 'a', 'AAA'), fileItem(dir, 'b', 'bbbb'), fileItem(dir, 'c', 'CC')]
    expect(seal(dir, whole, 'second')).toEqual(first)
  })

  test('has no time after the one asked for', () => {
    const dir = tempDir()
    const at = (path: string, mtime: bigint): SealItem => ({ entry: entryOf({ path, type: 'dir', mtime }) })
    seal(dir, [at('old', 5n), at('new', 50n)], 'layer', 10n)
    expect(decodeContents(readFileSync(join(dir, 'layer.list')))?.map((e) => e.mtime)).toEqual([5n, 10n])
  })

  test('may be empty', () => {
    const dir = tempDir()
    expect(seal(dir, [])).toMatchObject({ size: 1024, entries: 0 })
  })
})

describe('a file that changes while it is read', () => {
  test.each([
    ['is shorter now', (path: string) => truncateSync(path, 3)],
    ['is empty now', (path: string) => truncateSync(path, 0)],
  ])('is named: it %s', (_what, change) => {
    const dir = tempDir()
    const item = fileItem(dir, 'some/file', 'longer than that')
    change(join(dir, 'source-some-file'))
    expect(() => seal(dir, [item])).toThrow(
      expect.objectContaining({ code: 'io', message: '"some/file" changed while it was read' }),
    )
  })

  test('is named: it is gone, a link, or a fifo', () => {
    const dir = tempDir()
    symlinkSync('/etc/passwd', join(dir, 'link'))
    execFileSync('mkfifo', [join(dir, 'fifo')])
    for (const [i, name] of ['absent', 'link', 'fifo'].entries()) {
      const entry = entryOf({ path: 'x', type: 'file', size: 5 })
      const item = { entry, source: { path: fromText(join(dir, name)), offset: 0 } }
      expect(() => seal(dir, [item], `${i}`), name).toThrow(expect.objectContaining({ code: 'io' }))
    }
  })
})

describe.skipIf(lacks('tools', missingTools('tar')))('to GNU tar', () => {
  test('a sealed layer is an archive with these entries', () => {
    const dir = tempDir()
    const items = [
      { entry: entryOf({ path: 'd', type: 'dir', mode: 0o2755, uid: 7, gid: 3_000_000 }) },
      fileItem(dir, 'd/f', 'hello'),
      { entry: entryOf({ path: `d/${'n'.repeat(200)}`, type: 'symlink', link: 'l'.repeat(150) }) },
      { entry: entryOf({ path: 'd/hard', type: 'hardlink', link: 'd/f' }) },
      { entry: entryOf({ path: 'd/gone', type: 'whiteout' }) },
    ] as const
    seal(dir, items)
    const listing = execFileSync('tar', ['--numeric-owner', '-tvf', join(dir, 'layer.tar')], { encoding: 'utf8' })
    const lines = listing
      .trim()
      .split('\n')
      .map((line) => line.replace(/ +/g, ' '))
    expect(lines).toEqual([
      expect.stringMatching(/^drwxr-sr-x 7\/3000000 0 .* d\/$/),
      expect.stringMatching(/^-rw-r--r-- 0\/0 5 .* d\/f$/),
      expect.stringMatching(/^lrw-r--r-- 0\/0 0 .* d\/n{200} -> l{150}$/),
      expect.stringMatching(/^hrw-r--r-- 0\/0 0 .* d\/hard link to d\/f$/),
      expect.stringMatching(/^-rw-r--r-- 0\/0 0 .* d\/\.wh\.gone$/),
    ])
    const text = execFileSync('tar', ['-xOf', join(dir, 'layer.tar'), 'd/f'], { encoding: 'utf8' })
    expect(text).toBe('hello')
  })
})

describe.skipIf(lacks('tools', missingTools('umoci')))('to umoci', () => {
  test('sealed layers unpack upon each other, whiteouts and opaque folders applied', () => {
    const dir = tempDir()
    const folder = (path: string): SealItem => ({ entry: entryOf({ path, type: 'dir' }) })
    seal(
      dir,
      [folder('d'), fileItem(dir, 'd/a', 'a'), fileItem(dir, 'd/b', 'b'), folder('e'), fileItem(dir, 'e/old', 'old')],
      'lower',
    )
    seal(
      dir,
      [
        folder('d'),
        { entry: entryOf({ path: 'd/a', type: 'whiteout' }) },
        { entry: entryOf({ path: 'd/c', type: 'hardlink', link: 'd/b' }) },
        folder('e'),
        { entry: entryOf({ path: 'e', type: 'opaque' }) },
        fileItem(dir, 'e/new', 'new'),
        { entry: entryOf({ path: 'l', type: 'symlink', mode: 0o777, link: 'd/b' }) },
      ],
      'upper',
    )
    const umoci = (...args: readonly string[]): unknown => execFileSync('umoci', args, { cwd: dir, stdio: 'pipe' })
    umoci('init', '--layout', 'image')
    umoci('new', '--image', 'image:x')
    for (const layer of ['lower.tar', 'upper.tar']) umoci('raw', 'add-layer', '--image', 'image:x', layer)
    umoci('unpack', '--rootless', '--image', 'image:x', 'bundle')
    const root = join(dir, 'bundle/rootfs')
    expect(readdirSync(join(root, 'd')).sort()).toEqual(['b', 'c'])
    expect(readdirSync(join(root, 'e'))).toEqual(['new'])
    expect(readFileSync(join(root, 'l'), 'utf8')).toBe('b')
    expect(existsSync(join(root, 'd/.wh.a'))).toBe(false)
  })
})
