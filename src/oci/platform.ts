/** Platforms: os, architecture and variant, normalised as containerd's `platforms` package does. */
import { WherryError } from '../core/errors.ts'
import { type JsonObject, stringArray } from '../core/json.ts'

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  readonly osVersion?: string
  readonly osFeatures?: readonly string[]
}

const architectures: Readonly<Record<string, readonly [string, string?]>> = {
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  x64: ['amd64'],
  i386: ['386'],
  i486: ['386'],
  i686: ['386'],
  ia32: ['386'],
  aarch64: ['arm64'],
  arm64: ['arm64'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
  arm: ['arm', 'v7'],
}

/** os, architecture and variant in their usual spelling: `x86_64` is `amd64`, `arm64/v8` is `arm64`, `arm` is `arm/v7`. */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase() === 'macos' ? 'darwin' : platform.os.toLowerCase()
  const raw = platform.architecture.toLowerCase()
  const [architecture, implied] = architectures[raw] ?? [raw]
  let variant: string | undefined = platform.variant?.toLowerCase() || implied
  if (architecture === 'arm' && variant && /^\d/.test(variant)) variant = `v${variant}`
  if (architecture === 'arm64' && (variant === 'v8' || variant === '8')) variant = undefined
  if (architecture === 'amd64' && variant === 'v1') variant = undefined
  return { ...platform, os, architecture, variant }
}

/**
 * Parses `os[/architecture[/variant]]`, or an architecture alone, taking what is missing from `host`.
 * @throws WherryError `usage`
 */
export function parsePlatform(text: string, host: Platform): Platform {
  const parts = text.split('/')
  if (parts.length > 3 || parts.some((p) => !/^[A-Za-z0-9_.-]+$/.test(p))) {
    throw new WherryError('usage', `"${text}" is not a platform`, {
      hint: 'Write os/architecture[/variant], linux/arm64 for instance.',
    })
  }
  const [a, b, c] = parts as [string, string?, string?]
  if (b !== undefined) return normalizePlatform({ os: a, architecture: b, variant: c })
  const isOs = ['linux', 'windows', 'darwin', 'macos', 'freebsd'].includes(a.toLowerCase())
  return isOs ? normalizePlatform({ ...host, os: a }) : normalizePlatform({ os: host.os, architecture: a })
}

/** Reads the `platform` object of an index entry, or the platform fields of a config. */
export function parsePlatformObject(value: JsonObject): Platform {
  const text = (key: string): string | undefined =>
    typeof value[key] === 'string' && value[key] !== '' ? value[key] : undefined
  return {
    os: text('os') ?? 'linux',
    architecture: text('architecture') ?? 'unknown',
    variant: text('variant'),
    osVersion: text('os.version'),
    osFeatures: stringArray(value['os.features']),
  }
}

/** The platform as it stands in JSON. */
export function platformJson(platform: Platform): JsonObject {
  return {
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.osVersion === undefined ? {} : { 'os.version': platform.osVersion }),
    ...(platform.osFeatures === undefined ? {} : { 'os.features': platform.osFeatures }),
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
  }
}

/** `os/architecture[/variant]`. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform
  return variant ? `${os}/${architecture}/${variant}` : `${os}/${architecture}`
}

/** True if both name the same os, architecture and variant once normalised. */
export function samePlatform(a: Platform, b: Platform): boolean {
  return formatPlatform(normalizePlatform(a)) === formatPlatform(normalizePlatform(b))
}

/** The platform of this process. */
export function hostPlatform(): Platform {
  return normalizePlatform({ os: 'linux', architecture: process.arch })
}
