/** What several layers together hide of a base. */
import { describe, expect, it } from 'vitest'
import { marksOf } from '../../src/build/squash.ts'
import type { ContentsList } from '../../src/oci/contents.ts'
import { mergeLayers } from '../../src/oci/tree-merge.ts'
import { dir, file, opaque, whiteout } from '../oci/tree-entries.ts'

const base: ContentsList = [dir('d'), file('d/a'), dir('d/sub'), file('d/sub/b'), file('f'), file('g')]

function marks(...layers: ContentsList[]): string[] {
  return marksOf(layers, mergeLayers(layers), mergeLayers([base])).map((e) => `${e.type} ${e.path}`)
}

describe('marks of layers that become one', () => {
  it('are whiteouts of what the base has, and nothing of what only the layers had', () => {
    expect(marks([file('own'), whiteout('f')], [whiteout('own'), whiteout('d/a')])).toEqual([
      'whiteout d/a',
      'whiteout f',
    ])
  })

  it('are gone where something was put in the place', () => {
    expect(marks([whiteout('f')], [file('f')])).toEqual([])
    expect(marks([file('f')], [whiteout('f')])).toEqual(['whiteout f'])
  })

  it('make a folder that was deleted and made again opaque', () => {
    expect(marks([whiteout('d')], [dir('d'), file('d/new')])).toEqual(['opaque d'])
    expect(marks([dir('d'), opaque('d')])).toEqual(['opaque d'])
  })

  it('hide a folder that was a file in between', () => {
    expect(marks([file('d')], [dir('d')])).toEqual(['opaque d'])
    expect(marks([file('d')])).toEqual([])
  })

  it('say nothing of what is below a hidden or replaced folder', () => {
    expect(marks([whiteout('d/a'), whiteout('d/sub')], [whiteout('d')])).toEqual(['whiteout d'])
    expect(marks([whiteout('d/sub/b')], [file('d')])).toEqual([])
    expect(marks([opaque('d'), whiteout('d/sub/b')])).toEqual(['opaque d'])
  })
})
