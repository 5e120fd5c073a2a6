/** Values of `--secret` and `--ssh`; pure but for the environment that it is given. */
import { resolve } from 'node:path'
import type { SecretSource } from '../build/inputs/secrets.ts'
import type { SshSource } from '../build/inputs/ssh.ts'
import { WherryError } from '../core/errors.ts'
import { csvFields } from '../dockerfile/csv.ts'
import type { RequestSurroundings } from './build-request.ts'

/**
 * Reads `--secret id=ID[,src=FILE|,env=VARIABLE][,type=file|env]`. An id alone is the variable of that name if it is set, else the
 * file of that name, as in buildx.
 * @throws WherryError `usage`
 */
export function parseSecret(value: string, { cwd, env }: RequestSurroundings): SecretSource {
  const fields = fieldsOf(value, '--secret')
  for (const key of fields.keys()) {
    if (!['type', 'id', 'source', 'src', 'env'].includes(key))
      throw misuse('--secret', value, `unexpected key "${key}"`)
  }
  const type = fields.get('type') ?? ''
  if (!['', 'file', 'env'].includes(type)) throw misuse('--secret', value, `unsupported type "${type}"`)
  const id = fields.get('id') ?? ''
  if (id === '') throw misuse('--secret', value, 'it has no id')
  // As in buildx, an empty value is one that was not given.
  const given = (key: string): string | undefined => fields.get(key) || undefined
  const source = given('source') ?? given('src')
  const named = given('env') ?? (type === 'env' ? (source ?? id) : undefined)
  const variable = named ?? (type === '' && source === undefined && env[id] !== undefined ? id : undefined)
  if (variable !== undefined) return { id, variable, value: env[variable] }
  return { id, file: resolve(cwd, source ?? id) }
}

/**
 * Reads `--ssh default|ID[=SOCKET|KEY[,KEY…]]`. Without paths it is the agent of $SSH_AUTH_SOCK.
 * @throws WherryError `usage`
 */
export function parseSsh(value: string, { cwd, env }: RequestSurroundings): SshSource {
  const equals = value.indexOf('=')
  const id = equals < 0 ? value : value.slice(0, equals)
  if (id === '') throw misuse('--ssh', value, 'it has no id')
  const paths = equals < 0 ? [] : value.slice(equals + 1).split(',')
  const option = paths.find((path) => path.includes('='))
  if (option !== undefined) throw misuse('--ssh', value, `unsupported option "${option}"`)
  const given = paths.filter((path) => path !== '').map((path) => resolve(cwd, path))
  if (given.length > 0) return { id, paths: given }
  const agent = env['SSH_AUTH_SOCK'] ?? ''
  if (agent !== '') return { id, paths: [resolve(cwd, agent)] }
  throw new WherryError('usage', `--ssh ${id}: no agent is running, as SSH_AUTH_SOCK is not set`, {
    hint: `Start one with \`eval $(ssh-agent)\` and \`ssh-add\`, or name a key: --ssh ${id}=KEYFILE.`,
  })
}

function fieldsOf(value: string, option: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const field of csvOf(value, option)) {
    const equals = field.indexOf('=')
    if (equals < 1) throw misuse(option, value, `"${field}" is not KEY=VALUE`)
    fields.set(field.slice(0, equals).toLowerCase(), field.slice(equals + 1))
  }
  return fields
}

function csvOf(value: string, option: string): string[] {
  try {
    return csvFields(value)
  } catch (cause) {
    throw new WherryError('usage', `${option} "${value}": a quote is in the wrong place`, { cause })
  }
}

function misuse(option: string, value: string, why: string): WherryError {
  const forms: Readonly<Record<string, string>> = {
    '--secret': '--secret id=ID,src=FILE, or --secret id=ID,env=VARIABLE',
    '--ssh': '--ssh default, or --ssh ID=KEYFILE',
  }
  return new WherryError('usage', `${option} "${value}": ${why}`, { hint: `Write ${forms[option]}.` })
}
