import { describe, expect, test } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import type { Index } from '../../src/oci/image.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { type Platform, formatPlatform, hostPlatform, parsePlatform } from '../../src/oci/platform.ts'
import { acceptable, pickManifest } from '../../src/transfer/pick-platform.ts'

const platform = (text: string): Platform => parsePlatform(text, hostPlatform())

function index(...platforms: readonly (Platform | undefined)[]): Index {
  const manifests = platforms.map((p, i) => ({
    mediaType: mediaTypes.ociManifest,
    digest: digestOf(`${i}`),
    size: 1,
    ...(p && { platform: p }),
  }))
  return { mediaType: mediaTypes.ociIndex, manifests, annotations: {}, bytes: Buffer.alloc(0) }
}

const unknown: Platform = { os: 'unknown', architecture: 'unknown' }

describe('picking a manifest', () => {
  test.each([
    ['linux/amd64', ['linux/arm64', 'linux/amd64'], 1],
    ['linux/amd64', ['linux/386', 'linux/arm64'], 0],
    ['linux/amd64', ['linux/386', 'linux/amd64'], 1],
    ['linux/arm64', ['linux/arm/v7', 'linux/arm64/v8'], 1],
    ['linux/arm/v7', ['linux/arm/v5', 'linux/arm/v6'], 1],
    ['linux/arm', ['linux/arm/v7'], 0],
    ['linux/s390x', ['linux/amd64', 'linux/s390x'], 1],
  ])('%s of %s', (wanted, there, expected) => {
    const found = pickManifest(index(...there.map(platform)), platform(wanted), 'x')
    expect(found.digest).toBe(digestOf(`${expected}`))
  })

  test('a manifest without a platform is the last resort, attestations never', () => {
    expect(pickManifest(index(unknown, undefined), platform('linux/amd64'), 'x').digest).toBe(digestOf('1'))
  })

  test('says what there is when nothing fits', () => {
    const there = index(platform('linux/arm/v7'), platform('linux/arm64'), unknown)
    expect(() => pickManifest(there, platform('linux/amd64'), 'debian')).toThrow(
      expect.objectContaining({
        code: 'platform-mismatch',
        message: 'debian has no image for linux/amd64',
        hint: 'It has linux/arm/v7, linux/arm64. Choose one with --platform.',
      }),
    )
  })
})

test('acceptable platforms, best first', () => {
  expect(acceptable(platform('linux/arm/v7')).map(formatPlatform)).toEqual([
    'linux/arm/v7',
    'linux/arm/v6',
    'linux/arm/v5',
  ])
  expect(acceptable(platform('linux/amd64/v2')).map(formatPlatform)).toEqual([
    'linux/amd64/v2',
    'linux/amd64',
    'linux/386',
  ])
})
