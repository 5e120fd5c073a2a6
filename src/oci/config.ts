/**
 * Image configs, kept as they came: raw JSON with typed accessors, unknown fields preserved.
 * OCI image-spec config.md, with docker's extra fields (Healthcheck, Shell, OnBuild, ArgsEscaped).
 */
import { type Digest, parseDigest } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import { type Json, type JsonObject, isJsonObject, stringArray, stringRecord } from '../core/json.ts'
import { type Platform, normalizePlatform, parsePlatformObject, platformJson } from './platform.ts'

/** Where an image tells which steps its layers are of; other tools pass over it. */
export const inlineCacheField = 'dev.wherry.cache.v1'

/** Docker's Healthcheck: durations in nanoseconds. */
export interface Healthcheck {
  readonly Test: readonly string[]
  readonly Interval?: number
  readonly Timeout?: number
  readonly StartPeriod?: number
  readonly StartInterval?: number
  readonly Retries?: number
}

/** One line of an image's history. */
export interface HistoryEntry {
  readonly created?: string
  readonly created_by?: string
  readonly author?: string
  readonly comment?: string
  readonly empty_layer?: boolean
}

/** The typed reading of a config's `config` object. */
export interface RuntimeConfig {
  readonly env: readonly string[]
  readonly cmd?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly workingDir: string
  readonly user: string
  readonly shell?: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly exposedPorts: readonly string[]
  readonly volumes: readonly string[]
  readonly stopSignal?: string
  readonly healthcheck?: Healthcheck
  readonly onBuild: readonly string[]
}

/** An image config: raw JSON. Edit with `withRuntime` and the functions of image.ts; never mutate. */
export interface ImageConfig {
  readonly raw: JsonObject
}

/** The config that `FROM scratch` starts from. */
export function emptyConfig(platform: Platform): ImageConfig {
  const { architecture, os, variant, osVersion, osFeatures } = platform
  return {
    raw: {
      architecture,
      os,
      ...(osVersion ? { 'os.version': osVersion } : {}),
      ...(osFeatures ? { 'os.features': osFeatures } : {}),
      ...(variant ? { variant } : {}),
      config: {},
      rootfs: { type: 'layers', diff_ids: [] },
      history: [],
    },
  }
}

/**
 * Checks a parsed config as far as wherry relies on it.
 * @throws WherryError `config-invalid`, `digest-invalid`
 */
export function checkConfig(raw: JsonObject): ImageConfig {
  if (!isJsonObject(raw['rootfs']) || stringArray(raw['rootfs']['diff_ids']) === undefined) {
    const rootless =
      raw['rootfs'] === undefined || (isJsonObject(raw['rootfs']) && (raw['rootfs']['diff_ids'] ?? null) === null)
    if (!rootless) throw new WherryError('config-invalid', 'the image config has no usable rootfs.diff_ids')
  }
  const config: ImageConfig = { raw }
  diffIdsOf(config)
  return config
}

/** The diffIDs of a config's layers, lowest first. */
export function diffIdsOf(config: ImageConfig): Digest[] {
  const rootfs = config.raw['rootfs']
  return (isJsonObject(rootfs) ? (stringArray(rootfs['diff_ids']) ?? []) : []).map(parseDigest)
}

/** The platform that a config names. */
export function platformOf(config: ImageConfig): Platform {
  return normalizePlatform(parsePlatformObject(config.raw))
}

/** The history entries of a config, oldest first. */
export function historyOf(config: ImageConfig): HistoryEntry[] {
  const history = config.raw['history']
  return Array.isArray(history) ? history.filter(isJsonObject) : []
}

/** The typed reading of the `config` object. Malformed fields count as absent. */
export function runtimeOf(config: ImageConfig): RuntimeConfig {
  const c: JsonObject = isJsonObject(config.raw['config']) ? config.raw['config'] : {}
  const text = (key: string): string => (typeof c[key] === 'string' ? c[key] : '')
  const keys = (key: string): string[] => (isJsonObject(c[key]) ? Object.keys(c[key]) : [])
  const health = c['Healthcheck']
  return {
    // Read when asked for: most callers want one field of what may be large.
    get env() {
      return stringArray(c['Env']) ?? []
    },
    cmd: stringArray(c['Cmd']),
    entrypoint: stringArray(c['Entrypoint']),
    workingDir: text('WorkingDir'),
    user: text('User'),
    shell: stringArray(c['Shell']),
    get labels() {
      return stringRecord(c['Labels'])
    },
    get exposedPorts() {
      return keys('ExposedPorts')
    },
    get volumes() {
      return keys('Volumes')
    },
    stopSignal: text('StopSignal') || undefined,
    healthcheck: isJsonObject(health) && stringArray(health['Test']) ? (health as unknown as Healthcheck) : undefined,
    get onBuild() {
      return stringArray(c['OnBuild']) ?? []
    },
  }
}

/** Field names of the `config` object that wherry sets. */
export type RuntimeField =
  | 'Env'
  | 'ArgsEscaped'
  | 'Cmd'
  | 'Entrypoint'
  | 'WorkingDir'
  | 'User'
  | 'Shell'
  | 'Labels'
  | 'ExposedPorts'
  | 'Volumes'
  | 'StopSignal'
  | 'Healthcheck'
  | 'OnBuild'

/** A config with one field of its `config` object set, or removed (undefined). */
export function withRuntime(config: ImageConfig, field: RuntimeField, value: Json | undefined): ImageConfig {
  const current: JsonObject = isJsonObject(config.raw['config']) ? config.raw['config'] : {}
  const { [field]: _old, ...rest } = current
  return { raw: { ...config.raw, config: value === undefined ? rest : { ...rest, [field]: value } } }
}

/** A config with one top-level field set, or removed (undefined). */
export function withField(
  config: ImageConfig,
  field: 'author' | 'created' | 'history' | 'rootfs' | typeof inlineCacheField,
  value: Json | undefined,
): ImageConfig {
  const { [field]: _old, ...rest } = config.raw
  return { raw: value === undefined ? rest : { ...rest, [field]: value } }
}

/** A config for another platform. */
export function withPlatform({ raw }: ImageConfig, platform: Platform): ImageConfig {
  const { os: _os, architecture: _architecture, variant: _variant, 'os.version': _version, ...rest } = raw
  const { 'os.features': _features, ...others } = rest
  return { raw: { ...platformJson(platform), ...others } }
}

/** A config with a history entry added, and the diffID of the layer that the entry made, if it made one. */
export function appendHistory(config: ImageConfig, entry: HistoryEntry, diffId?: Digest): ImageConfig {
  const line = { ...entry, ...(diffId === undefined ? { empty_layer: true } : {}) }
  const withLine = withField(config, 'history', [...historyOf(config), line] as unknown as Json)
  if (diffId === undefined) return withLine
  return withField(withLine, 'rootfs', { type: 'layers', diff_ids: [...diffIdsOf(config), diffId] })
}
