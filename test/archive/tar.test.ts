/** Tar headers: what is written is read back, in chunks of any size, and the bytes are what other readers expect. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TarHeader } from '../../src/archive/tar-header.ts'
import { cleanArchivePath } from '../../src/archive/tar-meta.ts'
import { encodeTarHeader, tarEnd } from '../../src/archive/tar-write.ts'
import { archiveOf, header, parse } from './entries.ts'

const name = fc
  .array(
    fc
      .array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 40 })
      .map((bytes) => Buffer.from(bytes).toString('latin1').replaceAll('/', '_'))
      .filter((part) => part !== '.' && part !== '..'),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.join('/'))

const id = fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.integer({ min: 2 ** 21 - 2, max: 2 ** 32 - 1 }))
const time = fc.oneof(
  fc.bigInt({ min: -(2n ** 62n), max: 2n ** 63n }),
  fc.bigInt({ min: 0n, max: 2n ** 35n }).map((s) => s * 1_000_000_000n),
)
const binary = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
const xattrs = fc.dictionary(fc.stringMatching(/^(user|security)\.[a-z]{1,9}$/), binary, { minKeys: 1, maxKeys: 3 })
const common = { path: name, mode: fc.integer({ min: 0, max: 0o7777 }), uid: id, gid: id, mtime: time }
const some = <T>(arbitrary: fc.Arbitrary<T>, key: string): fc.Arbitrary<object> =>
  fc.option(arbitrary).map((value) => (value === null ? {} : { [key]: value }))

const entry: fc.Arbitrary<{ header: TarHeader; body: Buffer }> = fc
  .tuple(
    fc.record(common),
    fc.oneof(
      fc.uint8Array({ maxLength: 1500 }).map((body) => ({ type: 'file', body })),
      fc.constantFrom({ type: 'dir' }, { type: 'fifo' }),
      fc.record({ type: fc.constantFrom('symlink', 'hardlink'), link: name }),
      fc.record({ type: fc.constantFrom('char', 'block'), devMajor: fc.nat(4095), devMinor: fc.nat(1_048_575) }),
    ),
    some(xattrs, 'xattrs'),
  )
  .map(([base, kind, extra]) => {
    const { body = new Uint8Array(), ...rest } = { body: undefined, ...kind }
    return { header: { ...base, ...rest, ...extra, size: body.length } as TarHeader, body: Buffer.from(body) }
  })

describe('writing and reading', () => {
  it('gives back every entry, whatever the chunks', () => {
    const property = fc.property(
      fc.array(entry, { maxLength: 6 }),
      fc.integer({ min: 1, max: 3000 }),
      (entries, step) => {
        const archive = archiveOf(entries)
        const read = parse(archive, step)
        expect(read.map(({ header: h, body }) => ({ header: h, body }))).toEqual(entries)
        for (const { offset, body } of read) expect(archive.subarray(offset, (offset ?? 0) + body.length)).toEqual(body)
      },
    )
    fc.assert(property, { numRuns: 150 })
  })

  it('gives the same bytes for the same entry', () => {
    const h = header({ path: 'é', mtime: 5n, xattrs: { 'user.b': '\0=\n', 'user.a': 'x' } })
    expect(encodeTarHeader(h)).toEqual(encodeTarHeader({ ...h, xattrs: { 'user.a': 'x', 'user.b': '\0=\n' } }))
  })

  it('writes a plain file as one block, field by field', () => {
    const block = encodeTarHeader(
      header({ path: 'etc/passwd', mode: 0o4755, uid: 1, gid: 8, size: 64, mtime: 10n ** 9n }),
    )
    const at = (start: number, length: number): string => block.toString('latin1', start, start + length)
    expect(block.length).toBe(512)
    expect(at(0, 11)).toBe('etc/passwd\0')
    expect(at(100, 48)).toBe('0004755\x000000001\x000000010\x0000000000100\x0000000000001\0')
    expect(at(257, 8)).toBe('ustar\x0000')
    expect(at(265, 64)).toBe('\0'.repeat(64))
  })

  it('writes large ids, sizes and far times as PAX records', () => {
    const block = encodeTarHeader(header({ uid: 3_000_000, size: 2 ** 33, mtime: -1_500_000_000n }))
    const body = block.toString('latin1', 512, 1024)
    expect(body.slice(0, body.indexOf('\0'))).toBe('14 mtime=-1.5\n19 size=8589934592\n15 uid=3000000\n')
  })

  it('ends in two zero blocks and tolerates anything after them', () => {
    const archive = archiveOf([{ header: header({}) }])
    expect(archive.subarray(-1024)).toEqual(tarEnd)
    expect(parse(Buffer.concat([archive, Buffer.from('garbage'.repeat(100))]))).toHaveLength(1)
  })

  it('refuses what tar cannot hold', () => {
    expect(() => encodeTarHeader(header({ path: 'a\0b' }))).toThrow(/NUL/)
    expect(() => encodeTarHeader(header({ xattrs: { 'user.a=b': '' } }))).toThrow(/extended attribute/)
  })
})

describe('names', () => {
  it.each([
    ['./a/./b/', 'a/b'],
    ['/etc//passwd', 'etc/passwd'],
    ['../../etc', 'etc'],
    ['a/../../b', 'b'],
    ['./', ''],
    ['.hidden/..x', '.hidden/..x'],
  ])('cleans %s to "%s"', (raw, clean) => expect(cleanArchivePath(raw)).toBe(clean))
})
