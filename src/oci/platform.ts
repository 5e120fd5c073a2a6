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

/** `windows(10.0.17763+win32k)`: an os with version and features, as containerd's `platforms` writes it. */
const osPattern = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$/

const knownSystems: readonly string[] =
  'aix android darwin dragonfly freebsd hurd illumos ios js linux macos nacl netbsd openbsd plan9 solaris windows zos'.split(
    ' ',
  )

/**
 * Parses `os[(version[+feature]*)][/architecture[/variant]]`, or an architecture alone, taking what is missing from `host`.
 * @throws WherryError `usage`
 */
export function parsePlatform(text: string, host: Platform): Platform {
  const [first = '', ...rest] = text.split('/')
  const system = osPattern.exec(first)
  if (system === null || rest.length > 2 || rest.some((p) => !/^[A-Za-z0-9_.-]+$/.test(p))) {
    throw new WherryError('usage', `"${text}" is not a platform`, {
      hint: 'Write os/architecture[/variant], linux/arm64 for instance.',
    })
  }
  const [, os = '', version = '', features = ''] = system
  const named = {
    os,
    ...(version === '' ? {} : { osVersion: decodeOption(version, text) }),
    ...(features === ''
      ? {}
      : {
          osFeatures: features
            .slice(1)
            .split('+')
            .map((f) => decodeOption(f, text)),
        }),
  }
  const [architecture, variant] = rest
  if (architecture !== undefined) return normalizePlatform({ ...named, architecture, variant })
  const isSystem = first !== os || knownSystems.includes(os.toLowerCase())
  if (isSystem) return normalizePlatform({ ...named, architecture: host.architecture, variant: host.variant })
  return normalizePlatform({ os: host.os, architecture: first })
}

function decodeOption(option: string, text: string): string {
  try {
    return decodeURIComponent(option)
  } catch (cause) {
    throw new WherryError('usage', `"${text}" is not a platform: "${option}" is badly escaped`, { cause })
  }
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

/** `os[(version[+feature]*)]/architecture[/variant]`. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant, osVersion = '', osFeatures = [] } = platform
  const inParentheses = [osVersion, ...osFeatures].map(encodeOption).join('+')
  const system = inParentheses === '' ? os : `${os}(${inParentheses})`
  return variant ? `${system}/${architecture}/${variant}` : `${system}/${architecture}`
}

/** Escapes what would end a version or a feature. */
function encodeOption(option: string): string {
  return option.replace(/[^A-Za-z0-9_.-]/g, (c) =>
    encodeURIComponent(c).replace(/[()]/g, (p) => (p === '(' ? '%28' : '%29')),
  )
}

/**
 * True if both name the same os, architecture and variant once normalised. Versions count only for Windows, as far as
 * major.minor.build, and only where both have one.
 */
export function samePlatform(a: Platform, b: Platform): boolean {
  const [x, y] = [normalizePlatform(a), normalizePlatform(b)]
  if (x.os !== y.os || x.architecture !== y.architecture || (x.variant ?? '') !== (y.variant ?? '')) return false
  if (x.os !== 'windows' || !x.osVersion || !y.osVersion) return true
  const build = (version: string): string => version.split('.').slice(0, 3).join('.')
  return build(x.osVersion) === build(y.osVersion)
}

/** The platform of this process. */
export function hostPlatform(): Platform {
  return normalizePlatform({ os: 'linux', architecture: process.arch })
}
