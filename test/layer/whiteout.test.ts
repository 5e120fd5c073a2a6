import { describe, expect, test } from 'vitest'
import type { TarHeader } from '../../src/archive/tar-header.ts'
import type { Entry } from '../../src/oci/contents.ts'
import { entryOfHeader, headerOf } from '../../src/layer/whiteout.ts'

const rest = { mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 5n }
const header = (path: string): TarHeader => ({ path, type: 'file', ...rest })
const mark = (path: string, type: 'whiteout' | 'opaque'): Entry => ({
  path,
  type,
  mode: 0,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0n,
})

describe('whiteouts', () => {
  test.each([
    ['a/b', 'whiteout', 'a/.wh.b'],
    ['b', 'whiteout', '.wh.b'],
    ['a/b', 'opaque', 'a/b/.wh..wh..opq'],
    ['', 'opaque', '.wh..wh..opq'],
    ['.hidden', 'whiteout', '.wh..hidden'],
  ] as const)('of %j (%s) are called %j in a tar', (path, type, name) => {
    expect(headerOf(mark(path, type))).toMatchObject({ path: name, type: 'file', size: 0 })
    expect(entryOfHeader(header(name))).toEqual(mark(path, type))
  })

  test('of nothing, of . and of .. are refused', () => {
    for (const name of ['.wh.', 'a/.wh.', '.wh..', 'a/.wh...'])
      expect(() => entryOfHeader(header(name)), name).toThrow(expect.objectContaining({ code: 'archive-invalid' }))
  })

  test('do not take in what aufs left, nor names that only look like them', () => {
    expect(entryOfHeader(header('.wh..wh.plnk/123'))).toBeUndefined()
    expect(entryOfHeader(header('a/.wh..wh.aufs'))).toBeUndefined()
    expect(entryOfHeader(header('a.wh.b'))).toEqual(header('a.wh.b'))
  })

  test('of other entries: a header has what a tar can say, and no attributes for a further name', () => {
    const entry: Entry = {
      path: 'h',
      type: 'hardlink',
      ...rest,
      link: 'f',
      xattrs: { 'user.a': 'b' },
      sha256: 'x',
      offset: 7,
    }
    expect(headerOf(entry)).toEqual({ path: 'h', type: 'hardlink', ...rest, link: 'f' })
  })
})
