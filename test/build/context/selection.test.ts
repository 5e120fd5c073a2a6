/** The content digest of a selection: what it depends on, and that it is framed. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { selectionDigest } from '../../../src/build/context/selection.ts'
import type { Entry } from '../../../src/oci/contents.ts'

const file: Entry = { path: 'a', type: 'file', mode: 0o644, uid: 0, gid: 0, size: 1, mtime: 5n, sha256: 'aa' }
const link: Entry = { path: 'l', type: 'symlink', mode: 0o777, uid: 0, gid: 0, size: 0, mtime: 5n, link: 'x' }

describe('selectionDigest', () => {
  it('does not depend on the time of modification or where the bytes are', () => {
    expect(selectionDigest([{ ...file, mtime: 6n, offset: 512 }])).toBe(selectionDigest([file]))
  })

  it.each<[string, Partial<Entry>]>([
    ['path', { path: 'b' }],
    ['mode', { mode: 0o755 }],
    ['uid', { uid: 1 }],
    ['gid', { gid: 1 }],
    ['content', { sha256: 'ab' }],
    ['xattrs', { xattrs: { 'user.a': '\0' } }],
  ])('depends on %s', (_what, change) => {
    expect(selectionDigest([{ ...file, ...change }])).not.toBe(selectionDigest([file]))
  })

  it('depends on link targets, devices and order', () => {
    expect(selectionDigest([{ ...link, link: 'y' }])).not.toBe(selectionDigest([link]))
    const device: Entry = { ...link, type: 'char', link: undefined, devMajor: 1, devMinor: 3 }
    expect(selectionDigest([{ ...device, devMinor: 5 }])).not.toBe(selectionDigest([device]))
    expect(selectionDigest([file, link])).not.toBe(selectionDigest([link, file]))
  })

  it('needs the content hash of every file', () => {
    expect(() => selectionDigest([{ ...file, sha256: undefined }])).toThrow('no content hash')
  })

  it('never takes a+bc for ab+c', () => {
    const text = fc.stringMatching(/^[a-c0:/]{0,3}$/)
    const entry = fc
      .record({ path: text, link: text, mode: fc.nat(9), uid: fc.nat(9) })
      .map((parts) => ({ ...link, ...parts }))
    const list = fc.array(entry, { maxLength: 3 })
    fc.assert(
      fc.property(list, list, (a, b) => {
        expect(selectionDigest(a) === selectionDigest(b)).toBe(JSON.stringify(plain(a)) === JSON.stringify(plain(b)))
      }),
      { numRuns: 500 },
    )
  })
})

function plain(entries: readonly Entry[]): unknown[] {
  return entries.map(({ path, link: target, mode, uid }) => [path, target, mode, uid])
}
