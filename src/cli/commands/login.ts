/** `wherry login`: credentials for a registry, checked before they are kept. */
import { WherryError } from '../../core/errors.ts'
import { saveLogin } from '../../registry/credential-store.ts'
import { checkLogin } from '../../registry/login.ts'
import { type OptionTable, type OptionValues, defineCommand } from '../command.ts'
import { type Io, noteLine, printLine } from '../io.ts'
import { askLine, askSecret, readSecretFromStdin } from '../prompt.ts'
import { registryOptions } from '../registry-options.ts'
import { beginWait } from '../waiting.ts'
import { registryClientOptions } from '../wiring.ts'

const loginOptions = {
  username: { kind: 'string', short: 'u', value: 'NAME', help: 'User' },
  password: { kind: 'string', short: 'p', value: 'TEXT', help: 'Password; others on this machine can see it' },
  'password-stdin': { kind: 'boolean', help: 'Read the password from standard input' },
  ...registryOptions,
} as const satisfies OptionTable

type LoginOptions = OptionValues<typeof loginOptions>

export const command = defineCommand({
  usage: '[OPTIONS] [SERVER]',
  arguments: [0, 1],
  options: loginOptions,
  examples: [
    ['wherry login registry.example.com', 'Asks for user and password'],
    ['wherry login -u me --password-stdin ghcr.io < token', 'In a script'],
  ],
  run: async ({ options, args }, io) => {
    const server = args[0] ?? 'docker.io'
    const { username, password } = await credentials(options, server, io)
    const login = { server, username, password }
    const wait = await beginWait({ text: `checking with ${server}` }, io)
    try {
      await checkLogin(registryClientOptions(options, io), login, io.signal)
    } finally {
      wait.close()
    }
    const { path, helper } = await saveLogin(io.env, login, io.signal)
    if (helper === undefined) {
      noteLine(io, `WARNING: the password is kept in ${path} as base64, which is no encryption.`)
      noteLine(io, 'Name a credential helper there, in "credsStore" or "credHelpers", to have it kept safely.')
    }
    printLine(io, 'Login Succeeded')
    return 0
  },
})

async function credentials(
  options: LoginOptions,
  server: string,
  io: Io,
): Promise<{ readonly username: string; readonly password: string }> {
  const { username: given, password } = options
  if (options['password-stdin']) {
    if (given === undefined) throw new WherryError('usage', '--password-stdin needs --username')
    if (password !== undefined) throw new WherryError('usage', '--password and --password-stdin exclude each other')
    return { username: given, password: notEmpty(await readSecretFromStdin(io), 'password') }
  }
  if (password !== undefined) {
    noteLine(io, 'WARNING: a password on the command line can be seen by others; use --password-stdin.')
  }
  const username = given ?? (await askLine(`Username for ${server}: `, io))
  return {
    username: notEmpty(username, 'username'),
    password: notEmpty(password ?? (await askSecret('Password: ', io)), 'password'),
  }
}

function notEmpty(value: string, what: string): string {
  if (value !== '') return value
  throw new WherryError('usage', `the ${what} is empty`)
}
