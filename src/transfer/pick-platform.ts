/** Which manifest of an index is for a platform; pure. The order of acceptable platforms is that of containerd's `platforms`. */
import { WherryError } from '../core/errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Index } from '../oci/image.ts'
import { type Platform, formatPlatform, normalizePlatform, samePlatform } from '../oci/platform.ts'

/**
 * The best manifest for `platform`; `subject` names the image in the error.
 * @throws WherryError `platform-mismatch`, naming the platforms that there are
 */
export function pickManifest(index: Index, platform: Platform, subject: string): Descriptor {
  for (const wanted of acceptable(normalizePlatform(platform))) {
    const found = index.manifests.find((m) => m.platform && samePlatform(m.platform, wanted))
    if (found) return found
  }
  const unnamed = index.manifests.find((m) => m.platform === undefined && m.artifactType === undefined)
  if (unnamed) return unnamed
  const there = index.manifests.flatMap((m) => (m.platform && m.platform.os !== 'unknown' ? [m.platform] : []))
  const list = [...new Set(there.map((p) => formatPlatform(normalizePlatform(p))))].join(', ')
  throw new WherryError('platform-mismatch', `${subject} has no image for ${formatPlatform(platform)}`, {
    hint: list === '' ? 'Its index names no platform at all.' : `It has ${list}. Choose one with --platform.`,
  })
}

/** The platforms whose programs run on `platform`, best first. */
export function acceptable(platform: Platform): Platform[] {
  const { os, architecture, variant, osVersion } = platform
  const of = (arch: string, version?: string): Platform => ({ os, osVersion, architecture: arch, variant: version })
  const arms = (from: number): Platform[] => [8, 7, 6, 5].filter((v) => v <= from).map((v) => of('arm', `v${v}`))
  switch (architecture) {
    case 'arm':
      return arms(Number(variant?.slice(1) ?? 7))
    case 'arm64':
      return [...new Set([variant, undefined])].map((v) => of('arm64', v)).concat(arms(8))
    case 'amd64': {
      const level = Number(variant?.slice(1) ?? 1)
      const levels = [4, 3, 2].filter((v) => v <= level).map((v) => of('amd64', `v${v}`))
      return [...levels, of('amd64'), of('386')]
    }
    default:
      return [platform]
  }
}
