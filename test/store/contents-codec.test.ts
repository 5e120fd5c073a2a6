/** Contents lists survive being written and read; what is torn or of another version reads as nothing. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Entry, EntryType } from '../../src/oci/contents.ts'
import { decodeContents, encodeContents } from '../../src/store/contents-codec.ts'

const bytes = fc.uint8Array({ maxLength: 30 }).map((b) => Buffer.from(b).toString('latin1'))
const kinds: EntryType[] = ['file', 'dir', 'symlink', 'hardlink', 'char', 'block', 'fifo', 'whiteout', 'opaque']
const device = fc.record({ devMajor: fc.nat(4095), devMinor: fc.nat(0xfffff) })
const entry: fc.Arbitrary<Entry> = fc
  .tuple(
    fc.record(
      {
        path: bytes,
        type: fc.constantFrom(...kinds),
        mode: fc.nat(0o7777),
        uid: fc.nat(0xffffffff),
        gid: fc.nat(0xffffffff),
        size: fc.maxSafeNat(),
        mtime: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n }),
        link: bytes,
        xattrs: fc.dictionary(fc.stringMatching(/^[a-z.\x80-\xff]{1,9}$/), bytes),
        sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((b) => Buffer.from(b).toString('hex')),
        offset: fc.maxSafeNat(),
      },
      { requiredKeys: ['path', 'type', 'mode', 'uid', 'gid', 'size', 'mtime'] },
    ),
    fc.option(device),
  )
  .map(([fields, numbers]) => ({ ...fields, ...numbers }))

describe('a contents file', () => {
  it('gives back its entries', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 20 }), (entries) => {
        expect(decodeContents(encodeContents(entries))).toEqual(entries)
      }),
    )
  })

  it('reads as nothing when it is cut anywhere', () => {
    const whole = encodeContents([
      { path: 'a', type: 'dir', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n },
      { path: 'a/b', type: 'file', mode: 0o644, uid: 0, gid: 0, size: 1, mtime: 1n, offset: 512 },
    ])
    for (let length = 0; length < whole.length - 1; length++) {
      expect(decodeContents(whole.subarray(0, length))).toBeUndefined()
    }
  })

  it('reads as nothing when it is of another version or makes no sense', () => {
    const text = encodeContents([{ path: 'a', type: 'dir', mode: 0, uid: 0, gid: 0, size: 0, mtime: 0n }]).toString()
    for (const bad of [text.replace('"version":1', '"version":99'), text.replace('[1,', '[77,'), '[]', 'null']) {
      expect(decodeContents(Buffer.from(bad))).toBeUndefined()
    }
  })
})
