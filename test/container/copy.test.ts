import { describe, expect, it } from 'vitest'
import { type CopyPlaces, destinationOf } from '../../src/container/copy.ts'

const file: CopyPlaces['source'] = { path: '/s/f', type: 'other', name: 'f' }
const folder: CopyPlaces['source'] = { path: '/s/d', type: 'dir', name: 'd' }
const contents: CopyPlaces['source'] = { path: '/s/d/.', type: 'dir', name: 'd' }

describe('where docker cp puts things', () => {
  it.each([
    ['a file into a folder', { source: file, path: '/t', type: 'dir' }, { folder: '/t', name: 'f' }],
    ['a file into a folder with a slash', { source: file, path: '/t/', type: 'dir' }, { folder: '/t/', name: 'f' }],
    ['a file under a new name', { source: file, path: '/t/n', type: undefined }, { folder: '/t', name: 'n' }],
    ['a file over a file', { source: file, path: '/t/n', type: 'other' }, { folder: '/t', name: 'n' }],
    ['a folder into a folder', { source: folder, path: '/t', type: 'dir' }, { folder: '/t', name: 'd' }],
    ['what a folder holds into a folder', { source: contents, path: '/t', type: 'dir' }, { folder: '/t', name: '' }],
    ['a folder under a new name', { source: folder, path: '/t/n', type: undefined }, { folder: '/t', name: 'n' }],
    [
      'a folder under a new name with a slash',
      { source: folder, path: '/t/n/', type: undefined },
      { folder: '/t', name: 'n' },
    ],
  ] as const)('%s', (_what, { source, path, type }, goes) => {
    const found = type === undefined ? undefined : { type }
    expect(destinationOf({ source, target: { path, found } })).toEqual(goes)
  })

  it.each([
    ['a folder over a file', folder, '/t/n', 'other'],
    ['a file into a folder that is not there', file, '/t/n/', undefined],
    ['a file into a file', file, '/t/n/', 'other'],
  ] as const)('never %s', (_what, source, path, type) => {
    const found = type === undefined ? undefined : { type }
    expect(() => destinationOf({ source, target: { path, found } })).toThrow(
      expect.objectContaining({ code: 'copy-failed' }),
    )
  })
})
