/** certs.d: authorities and client certificates per registry host, where docker and the containers tools keep them. */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { WherryError, errnoOf } from '../core/errors.ts'
import type { Environment } from '../http/proxy.ts'
import type { TlsMaterial } from '../http/tls.ts'
import { userConfigDir } from './config.ts'

/**
 * Reads `<host>/*.crt` (authorities) and `<host>/*.cert` with `*.key` (client certificates) of the user's, the containers tools'
 * and docker's certs.d folders.
 * @throws WherryError `config-invalid` for a certificate without its key or an unreadable file
 */
export async function loadCertificates(env: Environment, host: string): Promise<TlsMaterial> {
  const user = userConfigDir(env)
  const roots = [
    ...(user === undefined ? [] : [join(user, 'certs.d')]),
    '/etc/containers/certs.d',
    '/etc/docker/certs.d',
  ]
  const found = await Promise.all(roots.map((root) => readFolder(join(root, host))))
  return { authorities: found.flatMap((f) => f.authorities ?? []), clients: found.flatMap((f) => f.clients ?? []) }
}

async function readFolder(dir: string): Promise<TlsMaterial> {
  const names = await namesIn(dir)
  const read = (name: string): Promise<string> => readPem(join(dir, name))
  const certificates = names.filter((name) => name.endsWith('.cert'))
  return {
    authorities: await Promise.all(names.filter((name) => name.endsWith('.crt')).map(read)),
    clients: await Promise.all(
      certificates.map(async (name) => {
        const key = name.replace(/\.cert$/, '.key')
        if (names.includes(key)) return { certificate: await read(name), key: await read(key) }
        throw new WherryError('config-invalid', `${join(dir, name)} has no ${key} beside it`, {
          hint: 'Authorities end in .crt; .cert is a client certificate, which needs its key.',
        })
      }),
    ),
  }
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).sort()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errnoOf(error) ?? '')) return []
    throw error
  }
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new WherryError('config-invalid', `${path} cannot be read (${errnoOf(cause) ?? 'error'})`, { cause })
  }
}
