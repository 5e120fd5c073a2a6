/** Which paths a COPY source names. */
import { describe, expect, it } from 'vitest'
import { selectSources } from '../../../src/build/copy/select.ts'
import { mergeLayers } from '../../../src/oci/tree-merge.ts'
import { dir, file, symlink } from '../../oci/tree-entries.ts'

const tree = mergeLayers([
  [
    dir('src'),
    file('src/a.c'),
    file('src/b.c'),
    file('src/c.h'),
    dir('src/sub.c'),
    file('src/sub.c/x'),
    file('[odd]'),
    file('o'),
    symlink('to-src', 'src'),
    symlink('src/up', '../../../src/c.h'),
    symlink('abs', '/src/a.c'),
    symlink('dangling', 'nowhere'),
  ],
])

const named = (source: string): string[] => selectSources(tree, source).map((s) => s.named)
const real = (source: string): string[] => selectSources(tree, source).map((s) => s.real)

describe('a source', () => {
  it.each([
    ['src/a.c', ['src/a.c']],
    ['/src/a.c', ['src/a.c']],
    ['../../src//a.c', ['src/a.c']],
    ['src/../o', ['o']],
    ['src/', ['src']],
    ['.', ['']],
    ['/', ['']],
    ['src/*.c', ['src/a.c', 'src/b.c', 'src/sub.c']],
    ['src/?.[ch]', ['src/a.c', 'src/b.c', 'src/c.h']],
    ['s*/*.h', ['src/c.h']],
    ['*/sub.c/x', ['src/sub.c/x']],
    ['[[]odd]', ['[odd]']],
    ['src/*.zip', []],
    ['to-*/a.c', []],
  ])('%s names %j', (source, paths) => expect(named(source)).toEqual(paths))

  it('is followed where it is a link, inside the tree', () => {
    expect(real('to-src')).toEqual(['src'])
    expect(real('src/up')).toEqual(['src/c.h'])
    expect(real('ab*')).toEqual(['src/a.c'])
    expect(selectSources(tree, 'to-src/a*')).toEqual([{ named: 'src/a.c', real: 'src/a.c' }])
  })

  it.each(['missing', 'src/missing', 'src/a.c/below', 'dangling', 'missing/*'])('%s is an error', (source) => {
    expect(() => selectSources(tree, source)).toThrow(
      expect.objectContaining({
        code: 'copy-failed',
        message: expect.stringContaining('not found') as string,
      }) as Error,
    )
  })
})
