/** Options of commands that serve https. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { WherryError, errnoOf } from '../core/errors.ts'
import type { ServerTls } from '../http/serve.ts'
import type { OptionTable } from './command.ts'
import type { Io } from './io.ts'

export const tlsOptions = {
  'tls-cert': { kind: 'string', value: 'FILE', help: 'PEM certificate with its chain: serve https' },
  'tls-key': { kind: 'string', value: 'FILE', help: 'PEM private key of the certificate' },
} as const satisfies OptionTable

/** Paths as they were given. */
export type TlsFiles = ServerTls

/** Both or neither. @throws WherryError `usage` */
export function tlsFiles(certificate: string | undefined, key: string | undefined): TlsFiles | undefined {
  if (certificate === undefined && key === undefined) return undefined
  if (certificate !== undefined && key !== undefined) return { certificate, key }
  throw new WherryError('usage', '--tls-cert and --tls-key are needed both')
}

/** What the files hold. @throws WherryError `config-invalid` */
export async function readTls(files: TlsFiles | undefined, io: Pick<Io, 'cwd'>): Promise<ServerTls | undefined> {
  if (files === undefined) return undefined
  return { certificate: await readSetting(files.certificate, io), key: await readSetting(files.key, io) }
}

/** The text of a file that an option names. @throws WherryError `config-invalid` */
export async function readSetting(path: string, io: Pick<Io, 'cwd'>): Promise<string> {
  try {
    return await readFile(resolve(io.cwd, path), 'utf8')
  } catch (cause) {
    throw new WherryError('config-invalid', `${path} cannot be read (${errnoOf(cause) ?? 'error'})`, { cause })
  }
}
