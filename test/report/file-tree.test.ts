/** Walking and searching the files of all layers. */
import { expect, test } from 'vitest'
import { type FileTree, fileTree } from '../../src/report/file-tree.ts'
import { pageLayers } from '../../src/report/page-layers.ts'
import { sampleReport } from './sample.ts'

const layers = pageLayers(sampleReport().image!)

/** Lines as `level name`, a folder with + or - behind it. */
function seen(tree: FileTree): string[] {
  return tree.lines().map(({ node, level, isOpen }) => {
    const { row, layer } = tree.nodeOf(node)
    const name = row === undefined ? `layer${layer}` : layers[layer]!.names[row]!
    return `${level} ${name}${isOpen === undefined ? '' : isOpen ? '-' : '+'}`
  })
}

test('layers are closed at first; opening goes on through folders that hold one thing', () => {
  const tree = fileTree(layers)
  expect(seen(tree)).toEqual(['1 layer0+', '1 layer1+', '1 layer2+', '1 layer3+'])
  tree.set(tree.find(0)!, true)
  expect(seen(tree).slice(0, 4)).toEqual(['1 layer0-', '2 bin+', '2 etc+', '2 var+'])
  tree.set(tree.find(0, 'var')!, true)
  expect(seen(tree).slice(3, 6)).toEqual(['2 var-', '3 cache-', '4 lists'])
  const line = tree.lines()[4]!
  expect(line).toMatchObject({ level: 3, position: 1, siblings: 1 })
  expect(tree.lines()[3]).toMatchObject({ position: 3, siblings: 3 })
  expect(tree.pathOf(line.node)).toBe('var/cache')
  expect(tree.parentOf(line.node)).toBe(tree.find(0, 'var'))
  expect(tree.parentOf(tree.find(0)!)).toBeUndefined()
})

test('a path can be found and revealed', () => {
  const tree = fileTree(layers)
  const node = tree.find(2, 'var/cache/lists')!
  tree.reveal(node)
  expect(tree.lines().some((line) => line.node === node)).toBe(true)
  expect(tree.find(2, 'var/nothing')).toBeUndefined()
  expect(tree.find(9)).toBeUndefined()
  tree.closeAll()
  expect(tree.lines().length).toBe(4)
})

test('a search shows what fits in all layers, opened', () => {
  const tree = fileTree(layers)
  expect(tree.filter({ text: 'PASSWD', marks: '' })).toBe(3)
  expect(seen(tree)).toEqual([
    '1 layer0-',
    '2 etc-',
    '3 passwd',
    '1 layer2-',
    '2 etc-',
    '3 passwd',
    '1 layer3-',
    '2 etc-',
    '3 passwd',
  ])
  expect(tree.filter({ text: 'cache/li', marks: '' })).toBe(2)
  expect(tree.filter({ text: 'no such name', marks: '' })).toBe(0)
  expect(tree.lines()).toEqual([])
})

test('the largest comes first where that is asked for', () => {
  const tree = fileTree(layers)
  tree.set(tree.find(0)!, true)
  tree.set(tree.find(0, 'bin')!, true)
  tree.order('size')
  expect(seen(tree)).toEqual([
    '1 layer0-',
    '2 var+',
    '2 bin-',
    '3 sh',
    '3 ash',
    '2 etc+',
    ...['1', '2', '3'].map((i) => `1 layer${i}+`),
  ])
  expect(tree.lines()[2]).toMatchObject({ position: 2, siblings: 3 })
  tree.order('name')
  expect(seen(tree).slice(0, 3)).toEqual(['1 layer0-', '2 bin-', '3 ash'])
})

test('a folder that fits keeps what is in it, closed', () => {
  const tree = fileTree(layers)
  expect(tree.filter({ text: 'bin', marks: '' })).toBe(1)
  expect(seen(tree)).toEqual(['1 layer0-', '2 bin+'])
  tree.set(tree.find(0, 'bin')!, true)
  expect(seen(tree)).toEqual(['1 layer0-', '2 bin-', '3 ash', '3 sh'])
})

test('marks choose, alone and with a search', () => {
  const tree = fileTree(layers)
  expect(tree.filter({ text: '', marks: 'D' })).toBe(2)
  expect(seen(tree)).toEqual(['1 layer2-', '2 var-', '3 cache-', '4 lists', '1 layer3-', '2 etc-', '3 passwd'])
  expect(tree.filter({ text: 'etc', marks: 'C' })).toBe(1)
  expect(seen(tree)).toEqual(['1 layer2-', '2 etc-', '3 passwd'])
  expect(tree.filter({ text: '', marks: '' })).toBe(0)
  expect(tree.lines().length).toBeGreaterThan(4)
})
