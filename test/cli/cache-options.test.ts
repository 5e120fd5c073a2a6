/** Values of --cache-from and --cache-to. */
import { describe, expect, test } from 'vitest'
import { cacheFromAttributes, cacheSettings, cacheToAttributes } from '../../src/cli/cache-options.ts'

const registry = { kind: 'registry', registry: 'reg.example.com', repository: 'me/cache', tag: 'latest' }
const plain = { mode: 'min', packing: { force: false, docker: false }, ignoreError: false, emulated: false }

describe('cache options', () => {
  test('a name alone is a registry', () => {
    expect(cacheSettings(['reg.example.com/me/cache', ''], [], '/w').cacheFrom).toEqual([registry])
  })

  test('places come in their order, folders against the working directory', () => {
    const from = ['type=local,src=out', 'type=registry,ref=reg.example.com/me/cache:main', 'type=local,src=/a,tag=b']
    expect(cacheSettings(from, [], '/w').cacheFrom).toEqual([
      { kind: 'layout', folder: '/w/out', tag: 'latest' },
      { ...registry, tag: 'main' },
      { kind: 'layout', folder: '/a', tag: 'b' },
    ])
  })

  test('targets have a mode, a compression and what happens to errors', () => {
    const to = ['type=registry,ref=reg.example.com/me/cache,mode=max,ignore-error=true,compression=zstd,emulated=true']
    expect(cacheSettings([], [...to, 'type=local,dest=out'], '/w').cacheTo).toEqual([
      {
        at: registry,
        mode: 'max',
        packing: { force: false, docker: false, compression: { type: 'zstd' } },
        ignoreError: true,
        emulated: true,
      },
      { at: { kind: 'layout', folder: '/w/out', tag: 'latest' }, ...plain },
    ])
  })

  test('cache mounts go along if that is said, up to 1 GiB each or what is given', () => {
    const limits = (more: string): unknown =>
      cacheSettings([], [`type=local,dest=out${more}`], '/w').cacheTo.map(({ mountsLimit }) => mountsLimit)
    expect(limits('')).toEqual([undefined])
    expect(limits(',mounts=false')).toEqual([undefined])
    expect(limits(',mounts=true')).toEqual([1 << 30])
    expect(limits(',mounts=true,mounts-limit=1.5m')).toEqual([1.5 * (1 << 20)])
  })

  test('inline is a property of the image', () => {
    expect(cacheSettings([], ['type=inline'], '/w')).toEqual({ cacheFrom: [], cacheTo: [], inlineCache: true })
  })

  test.each([
    ['type=gha,scope=x', 'type=gha is not possible'],
    ['type=s3,bucket=b', 'type=s3 is not possible'],
    ['type=tape', '"tape" is not a type'],
    ['ref=a', 'it has no type'],
    ['type=registry', 'it has no ref'],
    ['type=local', 'it has no dest'],
    ['type=registry,ref=a,mode=all', 'neither min nor max'],
    ['type=registry,ref=a,colour=red', 'the attribute "colour" is not known'],
    ['type=registry,ref=a,oci-mediatypes=false', 'oci-mediatypes=false is not possible'],
    ['type=registry,ref=a,image-manifest=false', 'image-manifest=false is not possible'],
    [`type=registry,ref=a@sha256:${'0'.repeat(64)}`, 'a cache has a tag'],
    ['type=registry,ref=a,ignore-error=maybe', 'neither true nor false'],
    ['type=registry,ref=a,mounts=true,mounts-limit=much', 'mounts-limit is "much", which is no size'],
    ['type=registry,ref=a,mounts-limit=1g', 'means nothing without mounts=true'],
    ['type=inline,mounts=true', 'the attribute "mounts" is not known'],
    ['"type=registry', 'a quote is in the wrong place'],
  ])('--cache-to %s is refused: %s', (value, why) => {
    expect(() => cacheSettings([], [value], '/w')).toThrow(why)
  })

  test('every attribute that is documented is taken', () => {
    const values: Readonly<Record<string, string>> = {
      ref: 'a',
      mode: 'max',
      compression: 'gzip',
      'compression-level': '1',
      'mounts-limit': '500m',
    }
    const written = (types: typeof cacheToAttributes): string[] =>
      Object.entries(types).map(([type, attributes]) =>
        [`type=${type}`, ...Object.keys(attributes).map((name) => `${name}=${values[name] ?? 'true'}`)].join(','),
      )
    expect(cacheSettings(written(cacheFromAttributes), written(cacheToAttributes), '/w').cacheTo).toHaveLength(2)
  })
})
