/** `--call` and `--check`: what is asked instead of a build; pure. */
import { WherryError } from '../../core/errors.ts'
import { csvFields } from '../../dockerfile/csv.ts'

/** A question about a build. */
export interface Call {
  readonly method: 'check' | 'outline' | 'targets'
  /** `result` is the JSON of docker's frontend, `json` a plain list. */
  readonly format: 'text' | 'result' | 'json' | 'sarif'
  /** What a check finds does not make the command fail. */
  readonly ignoreStatus: boolean
}

/** The options that ask. */
export interface CallOptions {
  readonly call: string | undefined
  readonly check: boolean
  readonly format: string | undefined
}

/**
 * Reads the options; undefined means a build.
 * @throws WherryError `usage`
 */
export function parseCall({ call, check, format }: CallOptions): Call | undefined {
  const fields = csvFields(check ? 'check' : (call ?? ''))
  const names = fields.filter((field) => !field.includes('='))
  const method = methodOf(names, call ?? '')
  if (method === undefined) {
    if (format === undefined) return undefined
    throw new WherryError('usage', `--format ${format} says how a check is told, and this is a build`, {
      hint: 'Add --check. The format of an image is that of its output: --output type=oci|docker.',
    })
  }
  const settings = new Map(fields.filter((field) => field.includes('=')).map(splitSetting))
  for (const key of settings.keys()) {
    if (key !== 'format' && key !== 'ignorestatus') throw misuse(`--call has no setting ${key}`)
  }
  return {
    method,
    format: formatOf(method, { call: settings.get('format'), own: format }),
    ignoreStatus: booleanOf(settings.get('ignorestatus') ?? 'false'),
  }
}

function methodOf(names: readonly string[], call: string): Call['method'] | undefined {
  if (names.length > 1) throw misuse(`--call ${call} names more than one method`)
  switch (names[0] ?? 'build') {
    case '':
    case 'build':
      return undefined
    case 'check':
    case 'lint':
      return 'check'
    case 'outline':
      return 'outline'
    case 'targets':
      return 'targets'
    default:
      throw misuse(`--call ${call} is no method`)
  }
}

function splitSetting(field: string): [string, string] {
  const at = field.indexOf('=')
  return [field.slice(0, at), field.slice(at + 1)]
}

function formatOf(
  method: Call['method'],
  { call, own }: { readonly call: string | undefined; readonly own: string | undefined },
): Call['format'] {
  const format = own ?? call ?? 'text'
  if (format === 'text') return 'text'
  // docker's own way to ask is answered in docker's way.
  if (format === 'json') return own === undefined || method !== 'check' ? 'result' : 'json'
  if (format === 'sarif' && method === 'check') return 'sarif'
  throw misuse(`the format ${format} is none of ${method === 'check' ? 'text, json and sarif' : 'text and json'}`)
}

function booleanOf(text: string): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false
  throw misuse(`ignorestatus=${text} is neither true nor false`)
}

function misuse(message: string): WherryError {
  return new WherryError('usage', message, {
    hint: 'Write --call build|check|outline|targets[,format=text|json][,ignorestatus=true].',
  })
}
