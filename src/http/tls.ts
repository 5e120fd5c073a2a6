/** Whom TLS connections trust: the system's authorities as other container tools do, extra files, and what a host adds. */
import { readFile } from 'node:fs/promises'
import { type SecureContext, createSecureContext, rootCertificates } from 'node:tls'
import { WherryError, errnoOf } from '../core/errors.ts'
import type { Environment } from './proxy.ts'

/** What one host's connections need beside the defaults. All texts are PEM. */
export interface TlsMaterial {
  /** Further authorities. */
  readonly authorities?: readonly string[]
  /** Client certificates with their keys. */
  readonly clients?: readonly { readonly certificate: string; readonly key: string }[]
  /** Accept any certificate. */
  readonly skipVerify?: boolean
}

/** Where distributions keep the bundle of authorities: Debian, Fedora, openSUSE, Alpine. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/**
 * The TLS context of a host. NODE_EXTRA_CA_CERTS is read here because Node forgets it once authorities are given, and reads it
 * only at its start.
 * @throws WherryError `config-invalid` for unreadable or malformed PEM
 */
export async function secureContextFor(env: Environment, material: TlsMaterial): Promise<SecureContext> {
  const extra = env['NODE_EXTRA_CA_CERTS']
  const base = env['SSL_CERT_FILE'] ? await readGiven(env['SSL_CERT_FILE']) : await firstReadable(systemBundles)
  const authorities = [
    ...(base === undefined ? rootCertificates : [base]),
    ...(extra && extra !== env['SSL_CERT_FILE'] ? [await readGiven(extra)] : []),
    ...(material.authorities ?? []),
  ]
  try {
    return createSecureContext({
      ca: [...authorities],
      cert: material.clients?.map((pair) => pair.certificate),
      key: material.clients?.map((pair) => pair.key),
    })
  } catch (cause) {
    throw new WherryError('config-invalid', 'a certificate or key for TLS cannot be parsed', {
      hint: 'Check the PEM files of certs.d, SSL_CERT_FILE and NODE_EXTRA_CA_CERTS.',
      cause,
    })
  }
}

async function readGiven(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new WherryError(
      'config-invalid',
      `the certificates in ${path} cannot be read (${errnoOf(cause) ?? 'error'})`,
      {
        hint: 'Check SSL_CERT_FILE and NODE_EXTRA_CA_CERTS.',
        cause,
      },
    )
  }
}

async function firstReadable(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    try {
      return await readFile(path, 'utf8')
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'EACCES') throw error
    }
  }
  return undefined
}
