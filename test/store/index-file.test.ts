import { describe, expect, test } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import {
  type IndexedImage,
  formatIndexFile,
  parseIndexFile,
  withImage,
  withoutImage,
  withoutName,
} from '../../src/store/index-file.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'

function image(seed: string, names: readonly string[]): IndexedImage {
  return {
    manifest: { mediaType: mediaTypes.ociManifest, digest: digestOf(`manifest ${seed}`), size: 10 },
    id: digestOf(`config ${seed}`),
    names,
    repoDigests: [],
    storedAt: '2026-01-01T00:00:00.000Z',
  }
}

describe('the index file', () => {
  test('reads back what it wrote, names and dangling images alike', () => {
    const images = [image('a', ['docker.io/library/a:1', 'docker.io/library/a:2']), image('b', [])]
    expect(parseIndexFile(formatIndexFile(images))).toEqual(images)
  })

  test('keeps annotations of other tools', () => {
    const entry = { mediaType: mediaTypes.ociManifest, digest: digestOf('x'), size: 1, annotations: { 'org.x': 'y' } }
    const images = parseIndexFile(JSON.stringify({ schemaVersion: 2, manifests: [entry] }))
    expect(parseIndexFile(formatIndexFile(images ?? []))?.[0]?.manifest.annotations).toEqual({ 'org.x': 'y' })
  })

  test('leaves out entries that it cannot read, and refuses what is no index', () => {
    const good = { mediaType: mediaTypes.ociManifest, digest: digestOf('x'), size: 1 }
    expect(parseIndexFile(JSON.stringify({ manifests: [{ digest: 'nonsense' }, good] }))).toHaveLength(1)
    for (const text of ['', '{', '[]', '{}', '{"manifests":3}']) expect(parseIndexFile(text)).toBeUndefined()
  })
})

describe('edits', () => {
  test('a name moves to the image that is given it last, and the other one dangles', () => {
    const images = withImage([image('a', ['x'])], image('b', ['x']))
    expect(images.map((i) => i.names)).toEqual([[], ['x']])
  })

  test('storing an image again keeps its names and the time it first came', () => {
    const again = { ...image('a', ['y']), storedAt: '2027-01-01T00:00:00.000Z' }
    expect(withImage([image('a', ['x'])], again)).toEqual([image('a', ['x', 'y'])])
  })

  test('an image goes with the names that it was known to have, and stays with one that it got since', () => {
    const others = [image('b', ['z'])]
    const known = { ...image('a', ['x']), repoDigests: ['x@sha256:1'] }
    const { digest } = known.manifest
    expect(withoutImage([known, ...others], digest)).toEqual(others)
    expect(withoutImage([known, ...others], digest, ['x', 'x@sha256:1'])).toEqual(others)
    expect(withoutImage([known], digest, ['x'])).toEqual([{ ...known, names: [] }])
    expect(withoutImage([{ ...known, names: ['x', 'new'] }], digest, ['x', 'x@sha256:1'])).toEqual([
      image('a', ['new']),
    ])
    expect(withoutImage([image('a', []), ...others], digest, [])).toEqual(others)
  })

  test('an image whose last name is removed stays', () => {
    expect(withoutName([image('a', ['x'])], 'x')).toEqual([image('a', [])])
  })
})
