/** Contents lists survive being written and read; anything else is said to be corrupt. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contentsHeader, decodeContents, encodeEntry } from '../../src/oci/contents-codec.ts'
import type { Entry, EntryType } from '../../src/oci/contents.ts'

const bytes = fc.uint8Array({ maxLength: 30 }).map((b) => Buffer.from(b).toString('latin1'))
const kinds: EntryType[] = ['file', 'dir', 'symlink', 'hardlink', 'char', 'block', 'fifo', 'whiteout', 'opaque']
const entry = fc.record(
  {
    path: bytes,
    type: fc.constantFrom(...kinds),
    mode: fc.nat(0o7777),
    uid: fc.nat(),
    gid: fc.nat(),
    size: fc.maxSafeNat(),
    mtime: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n }),
    link: bytes,
    devMajor: fc.nat(4095),
    devMinor: fc.nat(),
    xattrs: fc.dictionary(bytes, bytes),
    sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((b) => Buffer.from(b).toString('hex')),
    offset: fc.maxSafeNat(),
  },
  { requiredKeys: ['path', 'type', 'mode', 'uid', 'gid', 'size', 'mtime'] },
)

function encode(entries: readonly Entry[]): string {
  return contentsHeader + entries.map(encodeEntry).join('')
}

describe('contents lists', () => {
  it('come back as they were, from text and from bytes in latin1 and UTF-8', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 20 }), (entries) => {
        const text = encode(entries)
        expect(decodeContents(text)).toEqual(entries)
        expect(decodeContents(Buffer.from(text, 'utf8'))).toEqual(entries)
        expect(Buffer.from(text, 'latin1')).toEqual(Buffer.from(text, 'utf8'))
      }),
    )
  })

  it('take one line per entry, so that they can be written while a layer is', () => {
    const line = encodeEntry({ path: 'a\nb', type: 'file', mode: 0, uid: 0, gid: 0, size: 0, mtime: 1n })
    expect(line.indexOf('\n')).toBe(line.length - 1)
  })

  it.each([
    ['nothing', ''],
    ['another version', 'wherry-contents 99\n'],
    ['a cut line', encode([{ path: 'a', type: 'dir', mode: 0, uid: 0, gid: 0, size: 0, mtime: 0n }]).slice(0, -3)],
    ['no JSON', `${contentsHeader}[,]\n`],
    ['no rows', `${contentsHeader}1,2\n`],
    ['an unknown type', `${contentsHeader}["?","a",0,0,0,"0",0,0,-1]\n`],
    ['a negative size', `${contentsHeader}["f","a",0,0,0,"0",-1,0,-1]\n`],
    ['a time that is none', `${contentsHeader}["f","a",0,0,0,"x",0,0,-1]\n`],
    ['a short hash', `${contentsHeader}["f","a",0,0,0,"0",0,"ab",-1]\n`],
    ['odd attributes', `${contentsHeader}["f","a",0,0,0,"0",0,0,-1,{"xattrs":{"a":1}}]\n`],
  ])('with %s are corrupt', (_, text) => {
    expect(() => decodeContents(text)).toThrow(expect.objectContaining({ code: 'store-corrupt' }) as Error)
  })
})
