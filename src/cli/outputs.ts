/** Values of `--output`, with `--push`, `-t` and `--annotation` worked in: where a build's result goes; pure. */
import { resolve } from 'node:path'
import type { ImageForm, ImageOutput, Output } from '../build/contract.ts'
import { WherryError } from '../core/errors.ts'
import { type Annotation, parseAnnotationAttribute } from '../oci/annotations.ts'
import { hostPlatform } from '../oci/platform.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import { imageAttributes, storeAttributes, treeAttributes } from './output-attributes.ts'
import { TypedFields, misuse } from './typed-fields.ts'

/** What outputs depend on beside their own words. */
export interface OutputSurroundings {
  readonly cwd: string
  /** `-t`, as given: they replace the names that an output has. */
  readonly tags: readonly string[]
  /** `--push`. */
  readonly push: boolean
  /** `--annotation`: for every image. */
  readonly annotations: readonly Annotation[]
  /** Standard output is for eyes, not for archives. */
  readonly isTerminal: boolean
}

const [image, store, tree] = [imageAttributes, storeAttributes, treeAttributes].map((table) => Object.keys(table)) as [
  string[],
  string[],
  string[],
]

/** Attributes that each type takes, beside `annotation…` of images. */
export const outputAttributes: Readonly<Record<string, readonly string[]>> = {
  image: [...image, ...store],
  registry: [...image, ...store],
  oci: ['dest', 'tar', ...image],
  docker: ['dest', 'tar', ...image],
  local: ['dest', ...tree],
  tar: ['dest', ...tree],
  cacheonly: [],
}

/**
 * Reads the values. Paths are resolved against `cwd`.
 * @throws WherryError `usage`, `reference-invalid`
 */
export function parseOutputs(values: readonly string[], around: OutputSurroundings): readonly Output[] {
  const parsed = values.filter((value) => value !== '').map((value) => parseOutput(value, around))
  const outputs = parsed.filter((p) => p !== 'none')
  if (outputs.filter((o) => o.type !== 'image' && o.dest === '-').length > 1) {
    throw new WherryError('usage', 'two outputs cannot both go to standard output', { hint: 'Give one a dest=PATH.' })
  }
  return around.push ? pushed(outputs, around) : outputs
}

/** Whether an output is `type=docker` without a destination: docker's word for loading into the engine. */
export function isLoad(value: string): boolean {
  if (!value.includes('=')) return false
  return loads(fieldsOf(value))
}

function loads(fields: TypedFields): boolean {
  return fields.type === 'docker' && (fields.text('dest') ?? '') === '' && fields.boolean('tar') !== false
}

/** `--push` pushes what image outputs there are, else makes one. */
function pushed(outputs: readonly Output[], around: OutputSurroundings): readonly Output[] {
  const plain = imageOutput(fieldsOf('type=image'), around)
  const all = outputs.some((o) => o.type === 'image') ? outputs : [...outputs, plain]
  return all.map((o) => (o.type === 'image' && o.push === 'no' ? withNames({ ...o, push: 'tag' }, '--push') : o))
}

function parseOutput(value: string, around: OutputSurroundings): Output | 'none' {
  if (value === '-') return parseOutput('type=tar,dest=-', around)
  if (!value.includes('=')) return { type: 'local', dest: resolve(around.cwd, value) }
  const fields = fieldsOf(value)
  switch (fields.type) {
    case 'image':
    case 'registry':
      return imageOutput(fields, around)
    case 'oci':
    case 'docker':
      return archiveOutput(fields, fields.type, around)
    case 'local':
    case 'tar':
      return treeOutput(fields, fields.type, around)
    default:
      return 'none'
  }
}

function fieldsOf(value: string): TypedFields {
  const fields = new TypedFields('--output', value)
  const known = outputAttributes[fields.type]
  if (known === undefined) {
    const why = fields.type === '' ? 'it has no type' : `"${fields.type}" is not a type`
    throw misuse(fields.subject, why, `Types: ${Object.keys(outputAttributes).join(', ')}.`)
  }
  fields.check(known, { annotations: known.includes('name') })
  return fields
}

function imageOutput(fields: TypedFields, around: OutputSurroundings): ImageOutput {
  const byDigest = fields.boolean('push-by-digest') ?? false
  const wantsPush = fields.type === 'registry' || (fields.boolean('push') ?? false)
  fields.only('store', true, 'the store always keeps the image; `wherry rmi` removes it')
  fields.only('unpack', false, 'wherry unpacks an image when something must run in it, not before')
  const given = namesOf(fields, around)
  const tagged = byDigest ? given.find(hasTag) : undefined
  if (tagged !== undefined) {
    throw misuse(fields.subject, `"${tagged}" has a tag, and is to be pushed by digest`, 'Give the name without a tag.')
  }
  const output: ImageOutput = {
    type: 'image',
    names: given.map(fullName),
    push: wantsPush ? (byDigest ? 'digest' : 'tag') : 'no',
    digestNames: digestNamesOf(fields, given),
    form: formOf(fields, around),
  }
  return wantsPush ? withNames(output, fields.subject) : output
}

function withNames(output: ImageOutput, asked: string): ImageOutput {
  if (output.names.length > 0) return output
  throw new WherryError('usage', `${asked} needs a name to push to`, { hint: 'Give the image one with -t.' })
}

function digestNamesOf(fields: TypedFields, given: readonly string[]): string[] {
  const canonical = fields.boolean('name-canonical') === true ? given : []
  const prefix = fields.text('dangling-name-prefix')
  const onlyIfEmpty = fields.boolean('danging-name-empty-only') ?? false
  const dangling = prefix === undefined || (onlyIfEmpty && given.length > 0) ? [] : [prefix]
  return [...canonical, ...dangling].map((name) => {
    const { registry, repository } = parseReference(name)
    return `${registry}/${repository}`
  })
}

function archiveOutput(fields: TypedFields, type: 'oci' | 'docker', around: OutputSurroundings): Output | 'none' {
  const tar = fields.boolean('tar') ?? true
  const names = namesOf(fields, around).map(fullName)
  const form = formOf(fields, around)
  if (loads(fields)) return 'none'
  return { type, dest: destination(fields, { isFile: tar, ...around }), tar, names, form }
}

function treeOutput(fields: TypedFields, type: 'local' | 'tar', around: OutputSurroundings): Output {
  const mode = fields.text('mode') ?? 'copy'
  if (mode !== 'copy') {
    throw misuse(fields.subject, `mode=${mode} is not implemented`, 'wherry only adds and replaces files in a folder.')
  }
  const platformSplit = fields.boolean('platform-split')
  return {
    type,
    dest: destination(fields, { isFile: type === 'tar', ...around }),
    ...(platformSplit === undefined ? {} : { platformSplit }),
    ...epochOf(fields),
  }
}

function destination(
  fields: TypedFields,
  { isFile, cwd, isTerminal }: { readonly isFile: boolean; readonly cwd: string; readonly isTerminal: boolean },
): string {
  const given = fields.text('dest') ?? ''
  if (!isFile) {
    if (given === '') throw misuse(fields.subject, 'it has no dest', `Write type=${fields.type},dest=FOLDER.`)
    if (given === '-') throw misuse(fields.subject, 'a folder cannot go to standard output')
    return resolve(cwd, given)
  }
  if (given !== '' && given !== '-') return resolve(cwd, given)
  if (!isTerminal) return '-'
  throw misuse(fields.subject, 'standard output is a terminal', `Write type=${fields.type},dest=FILE, or redirect it.`)
}

function namesOf(fields: TypedFields, { tags }: OutputSurroundings): readonly string[] {
  if (tags.length > 0) return tags
  return (fields.text('name') ?? '').split(',').filter((name) => name !== '')
}

/** Whether a tag or digest is written out. */
function hasTag(name: string): boolean {
  return /:[^/]*$/.test(name)
}

function fullName(text: string): string {
  const reference = parseReference(text)
  if (reference.digest === undefined) return formatReference(reference)
  throw new WherryError('usage', `"${text}" is a digest, which cannot be chosen`, { hint: 'Give a NAME[:TAG].' })
}

function formOf(fields: TypedFields, { annotations }: OutputSurroundings): ImageForm {
  const own = [...fields.entries()].flatMap(
    ([key, value]) => parseAnnotationAttribute(key, value, hostPlatform()) ?? [],
  )
  fields.only('prefer-nondist-layers', true, 'layers that registries do not distribute stay as they are')
  return {
    packing: fields.packing(),
    rewriteTimestamp: fields.boolean('rewrite-timestamp') ?? false,
    ...epochOf(fields),
    annotations: [...own, ...annotations],
  }
}

function epochOf(fields: TypedFields): { epoch?: number | null } {
  const text = fields.text('source-date-epoch')
  if (text === undefined) return {}
  if (text === '') return { epoch: null }
  if (/^\d{1,11}$/.test(text)) return { epoch: Number(text) }
  throw misuse(fields.subject, `source-date-epoch is "${text}", which is not a number of seconds`)
}
