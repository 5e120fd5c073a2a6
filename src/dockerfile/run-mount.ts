/** The value of RUN --mount. Reference: docker/dockerfile:1, "RUN --mount". */
import { csvFields } from './csv.ts'
import { parseByteSize } from './byte-size.ts'
import { nearest } from './suggest.ts'
import { syntaxError } from './syntax-error.ts'
import { cut } from './text.ts'

const types = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'] as const
const sharingModes = ['shared', 'private', 'locked'] as const

/** A mount as it is written: variables expanded, defaults of its type not yet filled in but for `readOnly`. */
export interface MountSpec {
  readonly type: (typeof types)[number]
  readonly from: string
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
  /** Bytes, of a tmpfs; 0 is no limit. */
  readonly size: number
  readonly id: string
  readonly sharing?: (typeof sharingModes)[number]
  readonly required: boolean
  /** The variable that a secret becomes. */
  readonly env?: string
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
}

type Draft = { -readonly [K in keyof MountSpec]: MountSpec[K] } & { readOnlyGiven: boolean }

/** Sets one key. `field` is the whole `key=value`, for messages. */
type Setter = (draft: Draft, value: string, field: { readonly key: string; readonly text: string }) => void

const setters: Readonly<Record<string, Setter>> = {
  type: (draft, value) => {
    const type = types.find((name) => name === value.toLowerCase())
    if (type === undefined) throw misspelt(`unsupported mount type ${JSON.stringify(value)}`, value, types)
    draft.type = type
  },
  from: (draft, value) => void (draft.from = value),
  source: (draft, value) => void (draft.source = value),
  target: (draft, value) => void (draft.target = value),
  readonly: (draft, value, { key }) => setReadOnly(draft, booleanOf(key, value)),
  readwrite: (draft, value, { key }) => setReadOnly(draft, !booleanOf(key, value)),
  required: (draft, value, { key }) => {
    onlyFor(draft, key, ['secret', 'ssh'])
    draft.required = booleanOf(key, value)
  },
  size: (draft, value, { key }) => {
    onlyFor(draft, key, ['tmpfs'])
    const size = parseByteSize(value)
    if (size === undefined) throw syntaxError(`invalid value for ${key}: ${value}`, 'Write a size like 64m or 1g.')
    draft.size = size
  },
  id: (draft, value) => void (draft.id = value),
  sharing: (draft, value) => {
    const sharing = sharingModes.find((name) => name === value.toLowerCase())
    if (sharing === undefined) throw misspelt(`unsupported sharing value ${JSON.stringify(value)}`, value, sharingModes)
    draft.sharing = sharing
  },
  mode: (draft, value) => void (draft.mode = numberOf('mode', value, 8)),
  uid: (draft, value) => void (draft.uid = numberOf('uid', value, 10)),
  gid: (draft, value) => void (draft.gid = numberOf('gid', value, 10)),
  env: (draft, value) => void (draft.env = value),
}

const aliases: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  ro: 'readonly',
  rw: 'readwrite',
}

/**
 * Reads one `--mount` value; `expand` expands the variables of a value.
 * @throws WherryError `dockerfile-syntax`
 */
export function parseRunMount(text: string, expand: (value: string) => string): MountSpec {
  const draft: Draft = {
    type: 'bind',
    from: '',
    source: '',
    target: '',
    readOnly: true,
    size: 0,
    id: '',
    required: false,
    readOnlyGiven: false,
  }
  for (const field of csvFields(text)) readField(draft, field, expand)
  return checked(draft)
}

/** Keys that may stand alone, and then mean true. */
const bare = ['readonly', 'readwrite', 'required']

function readField(draft: Draft, field: string, expand: (value: string) => string): void {
  const [written, raw] = cut(field, '=')
  const key = written.toLowerCase()
  const name = aliases[key] ?? key
  if (raw === undefined && !bare.includes(name)) {
    throw syntaxError(`invalid field '${field}' must be a key=value pair`)
  }
  const value = raw === undefined ? 'true' : expand(raw)
  const setter = Object.hasOwn(setters, name) ? setters[name] : undefined
  if (setter === undefined) {
    throw misspelt(`unexpected key '${key}' in '${field}'`, key, [...Object.keys(setters), ...Object.keys(aliases)])
  }
  setter(draft, value, { key, text: field })
}

function setReadOnly(draft: Draft, readOnly: boolean): void {
  draft.readOnly = readOnly
  draft.readOnlyGiven = true
}

function checked({ readOnlyGiven, ...draft }: Draft): MountSpec {
  const { type } = draft
  if (type === 'bind' || type === 'tmpfs') {
    for (const key of ['mode', 'uid', 'gid'] as const)
      if (draft[key] !== undefined) throw syntaxError(`${key} not allowed for ${JSON.stringify(type)} type mounts`)
  }
  if (type === 'secret') checkSecret(draft)
  if (type === 'ssh' && draft.source !== '') throw syntaxError('ssh does not support source')
  if (draft.sharing !== undefined && type !== 'cache') throw syntaxError(`invalid cache sharing set for ${type} mount`)
  return readOnlyGiven ? draft : { ...draft, readOnly: type !== 'cache' && type !== 'tmpfs' }
}

function checkSecret(draft: MountSpec): void {
  if (draft.from !== '') throw syntaxError('secret mount should not have a from')
  if (draft.sharing !== undefined) throw syntaxError('secret mount should not define sharing')
  if (draft.source === '' && draft.target === '' && draft.id === '') {
    throw syntaxError('invalid secret mount. one of source, target required', 'Name the secret: id=NAME.')
  }
  if (draft.source !== '' && draft.id !== '') throw syntaxError("both source and id can't be set")
}

/** The spellings that Go's strconv.ParseBool takes. */
function booleanOf(key: string, value: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false
  throw syntaxError(`invalid value for ${key}: ${value}`, 'Write true or false.')
}

function numberOf(key: string, value: string, base: 8 | 10): number {
  const digits = base === 8 ? /^[0-7]+$/ : /^\d+$/
  const number = digits.test(value) ? Number.parseInt(value, base) : Number.NaN
  if (number <= 0xffff_ffff) return number
  throw syntaxError(`invalid value ${value} for ${key}`, base === 8 ? 'Write it in octal: 0400.' : undefined)
}

function onlyFor(draft: Draft, key: string, allowed: readonly MountSpec['type'][]): void {
  if (allowed.includes(draft.type)) return
  throw syntaxError(
    `unexpected key '${key}' for mount type '${draft.type}'`,
    `It belongs to type=${allowed.join(' and type=')}; type= must come first.`,
  )
}

function misspelt(message: string, word: string, options: readonly string[]): Error {
  const near = nearest(word, options)
  return syntaxError(
    near === undefined ? message : `${message} (did you mean ${near}?)`,
    `It is one of ${options.join(', ')}.`,
  )
}
