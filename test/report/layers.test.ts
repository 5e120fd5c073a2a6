/** What layers do to each other: marks, and bytes that nobody sees any more. */
import { expect, test } from 'vitest'
import type { ContentsList } from '../../src/oci/contents.ts'
import { stackLayers } from '../../src/report/layers.ts'
import { entry, file } from './sample.ts'

/** `A path`, by layer. */
function marks(...layers: readonly ContentsList[]): string[][] {
  return stackLayers(layers).changes.map((list) => list.map(({ mark, path }) => `${mark || '-'} ${path}`))
}

/** `how path size layer>by`, in their order. */
function wasted(...layers: readonly ContentsList[]): string[] {
  return stackLayers(layers).waste.map(({ how, path, size, layer, by }) => `${how} ${path} ${size} ${layer}>${by}`)
}

test('what is new is added, what was there is changed, a folder that is only named again has no mark', () => {
  const below = [entry('dir', 'd'), file('d/a', 1)]
  expect(marks(below, [entry('dir', 'd'), file('d/a', 2, 'x'), file('d/b', 1)])).toEqual([
    ['A d', 'A d/a'],
    ['- d', 'C d/a', 'A d/b'],
  ])
  expect(marks(below, [entry('dir', 'd', { mode: 0o700 })])[1]).toEqual(['C d'])
  expect(marks(below, [entry('dir', 'd', { xattrs: { 'user.a': 'b' } })])[1]).toEqual(['C d'])
})

test('a file that is overwritten, deleted or written again is wasted where it was made', () => {
  const below = [file('a', 10), file('b', 20), file('c', 30)]
  const above = [file('a', 11, 'new'), entry('whiteout', 'b'), { ...file('c', 30), mode: 0o600 }]
  expect(marks(below, above)[1]).toEqual(['C a', 'D b', 'C c'])
  expect(wasted(below, above)).toEqual(['deleted b 20 0>1', 'overwritten a 10 0>1', 'copied c 30 0>1'])
  expect(stackLayers([below, above]).files).toBe(2)
})

test('a deleted folder is one deletion, and all that was in it is wasted', () => {
  const below = [entry('dir', 'd'), file('d/a', 10), entry('dir', 'd/e'), file('d/e/b', 20)]
  const above = [entry('whiteout', 'd')]
  const { changes, waste, files } = stackLayers([below, above])
  expect(changes[1]).toMatchObject([{ mark: 'D', path: 'd', type: 'dir', size: 30 }])
  expect(waste.map(({ path }) => path).sort()).toEqual(['d/a', 'd/e/b'])
  expect(files).toBe(0)
})

test('an opaque folder hides what lower layers have in it, wherever its marker stands', () => {
  const below = [entry('dir', 'd'), file('d/a', 10), file('d/b', 20)]
  for (const above of [
    [entry('opaque', 'd'), file('d/b', 21, 'x')],
    [file('d/b', 21, 'x'), entry('opaque', 'd')],
  ]) {
    expect(marks(below, above)[1]).toEqual(['D d/a', 'C d/b'])
    expect(wasted(below, above)).toEqual(['deleted d/a 10 0>1', 'overwritten d/b 20 0>1'])
  }
})

test('what is deleted and made again in one layer was changed', () => {
  expect(marks([file('a', 1)], [entry('whiteout', 'a'), file('a', 2, 'x')])[1]).toEqual(['C a'])
})

test('bytes with several names are wasted when the last one is gone', () => {
  const below = [file('a', 10), entry('hardlink', 'b', { link: 'a' })]
  expect(wasted(below, [entry('whiteout', 'a')])).toEqual([])
  expect(wasted(below, [entry('whiteout', 'a')], [entry('whiteout', 'b')])).toEqual(['deleted a 10 0>2'])
  // The name goes to its own bytes: they are not let go.
  expect(wasted(below, [entry('hardlink', 'b', { link: 'a' })])).toEqual([])
})

test('a file over a folder, a folder over a file, and what lies below a file', () => {
  const below = [entry('dir', 'd'), file('d/a', 10)]
  expect(wasted(below, [file('d', 1)])).toEqual(['deleted d/a 10 0>1'])
  expect(wasted([file('d', 5)], [entry('dir', 'd')])).toEqual(['overwritten d 5 0>1'])
  expect(wasted([file('d', 5)], [file('d/a', 1)])).toEqual(['deleted d 5 0>1'])
})

test('a whiteout of what is not there, and an empty layer, change nothing', () => {
  expect(marks([], [entry('whiteout', 'x/y'), entry('opaque', 'z')])).toEqual([[], []])
})
