import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fromText } from '../../src/core/bytepath.ts'
import { lowerTree } from '../../src/rootfs/lower.ts'
import { setOpaque } from '../../src/rootfs/metadata.ts'
import { tempDir } from '../support/temp.ts'

/** Layers with these files, the topmost first; a path that ends with ! is an opaque folder. */
function layers(...given: readonly (readonly string[])[]): string[] {
  const dir = tempDir()
  return given.map((paths, i) => {
    for (const path of paths) {
      const at = join(dir, `${i}`, path.replace('!', ''))
      mkdirSync(join(at, path.endsWith('!') ? '' : '..'), { recursive: true })
      if (path.endsWith('!')) setOpaque(fromText(at))
      else writeFileSync(at, '')
    }
    return fromText(join(dir, `${i}`))
  })
}

test('the topmost layer shows, folders merge, other things and opaque folders end the search', () => {
  const stack = layers(['d/a', 'f'], ['d/sub!', 'd/sub/x', 'f/in'], ['d/a', 'd/b', 'd/sub/y', 'f/old'])
  const tree = lowerTree(stack)
  expect(tree.lookup('d/a')?.disk).toBe(`${stack[0]}/d/a`)
  expect(tree.lookup('d/b')?.disk).toBe(`${stack[2]}/d/b`)
  expect(tree.lookup('d')?.stack).toEqual(stack.map((layer) => `${layer}/d`))
  expect(tree.lookup('d/sub/x')).toBeDefined()
  expect(tree.lookup('d/sub/y')).toBeUndefined()
  expect(tree.lookup('f')?.stat.isFile()).toBe(true)
  expect(tree.lookup('f/in')).toBeUndefined()
  expect(tree.lookup('f/old')).toBeUndefined()
})

test('what was hidden is gone, also if it was looked up before', () => {
  const tree = lowerTree(layers(['d/sub/x', 'e']))
  expect(tree.lookup('d/sub/x')).toBeDefined()
  tree.hide('d')
  expect(tree.lookup('d')).toBeUndefined()
  expect(tree.lookup('d/sub/x')).toBeUndefined()
  expect(tree.lookup('e')).toBeDefined()
})
