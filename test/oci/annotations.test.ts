/** Where annotations of an image belong. */
import { describe, expect, it } from 'vitest'
import { annotationsAt, parseAnnotation } from '../../src/oci/annotations.ts'

const host = { os: 'linux', architecture: 'amd64' }
const arm = { os: 'linux', architecture: 'arm64' }

describe('annotations', () => {
  it('of a place are those for all platforms, with those of the very platform over them, by key', () => {
    const all = [
      'z=1',
      'manifest:a=all',
      'manifest[linux/arm64]:a=arm',
      'index:i=1',
      'manifest[amd64]:b=amd',
      'z=2',
    ].flatMap((text) => parseAnnotation(text, host))
    expect(annotationsAt(all, 'manifest', arm)).toEqual({ a: 'arm', z: '2' })
    expect(Object.keys(annotationsAt(all, 'manifest', host))).toEqual(['a', 'b', 'z'])
    expect(annotationsAt(all, 'index')).toEqual({ i: '1' })
    expect(annotationsAt(all, 'index-descriptor')).toEqual({})
  })

  it('have values with whatever is behind the first equals sign', () => {
    expect(parseAnnotation('index-descriptor:a.b=c=d:e', host)).toEqual([
      { scope: 'index-descriptor', key: 'a.b', value: 'c=d:e' },
    ])
    expect(parseAnnotation('a=', host)).toEqual([{ scope: 'manifest', key: 'a', value: '' }])
  })

  it.each(['', '=x', 'manifest:=x', 'Manifest:a=x', 'manifest[]:a=x', 'manifest[linux/arm64:a=x', 'manifest[*]:a=x'])(
    'cannot be read from %j',
    (text) => {
      expect(() => parseAnnotation(text, host)).toThrow('cannot be read')
    },
  )
})
