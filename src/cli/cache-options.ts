/** Values of `--cache-from` and `--cache-to`: which other caches a build asks and fills; pure. */
import { resolve } from 'node:path'
import type { CacheLocation, CacheTarget } from '../build/contract.ts'
import { parseByteSize } from '../dockerfile/byte-size.ts'
import { parseReference } from '../oci/reference.ts'
import { TypedFields, misuse } from './typed-fields.ts'

/** Attributes of `--cache-from`, by type, with what each does; docs/support.md reads the tables. */
export const cacheFromAttributes: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  registry: {
    ref: 'The cache in a registry, or an image with an inline cache; a name alone is `type=registry,ref=NAME`',
  },
  local: { src: 'The folder', tag: "The cache's name in the folder (default `latest`)" },
}

const form = {
  mode: '`min`: steps whose layers the image has (the default); `max`: all steps',
  compression: '`gzip`, `zstd` or `uncompressed`',
  'compression-level': 'gzip 0 to 9, zstd 0 to 22',
  'force-compression': 'Compress layers in that way that are compressed in another one already',
  'ignore-error': 'Failing is a warning',
  'oci-mediatypes': "Only `true`: records have OCI's media types",
  'image-manifest': 'Only `true`: every record is an image manifest',
  emulated: 'Also what was made in single mode, where not every owner could be kept',
  mounts: "Also the contents of the steps' cache mounts, for machines that do not have them",
  'mounts-limit': 'A cache mount that is larger stays here (default `1g`)',
} as const

/** Attributes of `--cache-to`, by type. */
export const cacheToAttributes: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  registry: { ref: 'The cache in a registry', ...form },
  local: { dest: 'The folder', tag: "The cache's name in the folder (default `latest`)", ...form },
  inline: {},
}

/** Types of BuildKit that belong to one service each. */
const refusedTypes: Readonly<Record<string, string>> = {
  gha: 'let actions/cache carry a folder of type=local, or use a registry',
  s3: 'let the job carry a folder of type=local, or use a registry',
  azblob: 'let the job carry a folder of type=local, or use a registry',
}

/** What the options come to. */
export interface CacheSettings {
  readonly cacheFrom: readonly CacheLocation[]
  readonly cacheTo: readonly CacheTarget[]
  readonly inlineCache: boolean
}

/**
 * Reads the values; folders are resolved against `cwd`.
 * @throws WherryError `usage`, `reference-invalid`
 */
export function cacheSettings(from: readonly string[], to: readonly string[], cwd: string): CacheSettings {
  const targets = given(to).map((value) => parseTarget(value, cwd))
  return {
    cacheFrom: given(from).map((value) => parseSource(value, cwd)),
    cacheTo: targets.filter((target) => target !== 'inline'),
    inlineCache: targets.includes('inline'),
  }
}

function given(values: readonly string[]): string[] {
  return values.filter((value) => value !== '')
}

function parseSource(value: string, cwd: string): CacheLocation {
  const fields = fieldsOf('--cache-from', value, cacheFromAttributes)
  return location(fields, { cwd, folder: 'src' })
}

function parseTarget(value: string, cwd: string): CacheTarget | 'inline' {
  const fields = fieldsOf('--cache-to', value, cacheToAttributes)
  if (fields.type === 'inline') return 'inline'
  const mode = fields.text('mode') ?? 'min'
  if (mode !== 'min' && mode !== 'max') throw misuse(fields.subject, `mode is "${mode}", which is neither min nor max`)
  fields.only('oci-mediatypes', true, "records have OCI's media types")
  fields.only('image-manifest', true, 'every record is an image manifest')
  return {
    at: location(fields, { cwd, folder: 'dest' }),
    mode,
    packing: fields.packing(),
    ignoreError: fields.boolean('ignore-error') ?? false,
    emulated: fields.boolean('emulated') ?? false,
    ...mountsOf(fields),
  }
}

function mountsOf(fields: TypedFields): Pick<CacheTarget, 'mountsLimit'> {
  const isWanted = fields.boolean('mounts') ?? false
  const text = fields.text('mounts-limit')
  if (text !== undefined && !isWanted) throw misuse(fields.subject, 'mounts-limit means nothing without mounts=true')
  const limit = parseByteSize(text ?? '1g')
  if (limit === undefined)
    throw misuse(fields.subject, `mounts-limit is "${text}", which is no size`, 'Write 500m or 2g.')
  return isWanted ? { mountsLimit: limit } : {}
}

function fieldsOf(
  option: string,
  value: string,
  types: Readonly<Record<string, Readonly<Record<string, string>>>>,
): TypedFields {
  const fields = new TypedFields(option, value.includes('=') ? value : `type=registry,ref=${value}`)
  const known = types[fields.type]
  if (known === undefined) {
    const instead = refusedTypes[fields.type]
    if (instead !== undefined)
      throw misuse(fields.subject, `type=${fields.type} is not possible`, `Instead, ${instead}.`)
    const why = fields.type === '' ? 'it has no type' : `"${fields.type}" is not a type`
    throw misuse(fields.subject, why, `Types: ${Object.keys(types).join(', ')}.`)
  }
  fields.check(Object.keys(known))
  return fields
}

function location(
  fields: TypedFields,
  { cwd, folder }: { readonly cwd: string; readonly folder: string },
): CacheLocation {
  if (fields.type === 'registry') {
    const ref = fields.text('ref') ?? ''
    if (ref === '') throw misuse(fields.subject, 'it has no ref', 'Write type=registry,ref=REGISTRY/REPOSITORY[:TAG].')
    const { registry, repository, tag, digest } = parseReference(ref)
    if (tag !== undefined && digest === undefined) return { kind: 'registry', registry, repository, tag }
    throw misuse(fields.subject, 'a cache has a tag, not a digest')
  }
  const path = fields.text(folder) ?? ''
  if (path === '') throw misuse(fields.subject, `it has no ${folder}`, `Write type=local,${folder}=FOLDER.`)
  return { kind: 'layout', folder: resolve(cwd, path), tag: fields.text('tag') ?? 'latest' }
}
