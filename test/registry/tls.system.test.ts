/** TLS to registries: who is trusted, certs.d, client certificates. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type Server, createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { quietScope } from '../../src/core/scope.ts'
import { type RegistryClientOptions, createRegistryClient } from '../../src/registry/client.ts'
import { type Certificates, makeCertificates } from '../support/certificates.ts'
import { listen, stop } from '../support/fault-proxy.ts'
import { lacks, missingTools } from '../support/need.ts'
import { tempDir } from '../support/temp.ts'

describe.skipIf(lacks('tools', missingTools('openssl')))('TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-certificates-'))
  let certificates: Certificates
  let server: Server
  let strict: Server
  let address: string
  let strictAddress: string

  beforeAll(async () => {
    certificates = makeCertificates(folder)
    const pem = {
      cert: readFileSync(certificates.serverCertificate),
      key: readFileSync(certificates.serverKey),
      ca: readFileSync(certificates.authority),
    }
    const answer: Parameters<typeof createServer>[1] = (request, response) => {
      response.end(request.url?.includes('tags') ? '{"name":"app","tags":["v1"]}' : '{}')
    }
    server = createServer(pem, answer)
    strict = createServer({ ...pem, requestCert: true, rejectUnauthorized: true }, answer)
    address = await listen(server)
    strictAddress = await listen(strict)
  })
  afterAll(async () => {
    await Promise.all([stop(server), stop(strict)])
    rmSync(folder, { recursive: true, force: true })
  })

  const tagsOf = (registry: string, options: RegistryClientOptions): Promise<string[]> => {
    const retry = { tries: 2, baseMs: 10 }
    return createRegistryClient({ retry, ...options }).tags({ registry, repository: 'app' }, quietScope())
  }

  const homeWith = (host: string, files: Record<string, string>): string => {
    const home = tempDir()
    const dir = join(home, '.config', 'containers', 'certs.d', host)
    mkdirSync(dir, { recursive: true })
    for (const [name, source] of Object.entries(files)) copyFileSync(source, join(dir, name))
    return home
  }

  test('an unknown authority is refused, with the place to put its certificate', async () => {
    await expect(tagsOf(address.replace('127.0.0.1', '0.0.0.0'), { env: {} })).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining('certificate') as string,
      hint: expect.stringContaining('certs.d') as string,
    })
  })

  test('is not refused with --tls-verify=false, nor for an insecure registry', async () => {
    expect(await tagsOf(address, { env: {}, tlsVerify: false })).toEqual(['v1'])
    expect(await tagsOf(address, { env: {}, insecureRegistries: [address] })).toEqual(['v1'])
  })

  test.each(['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'])('an authority in the file of %s is trusted', async (variable) => {
    expect(await tagsOf(address, { env: { [variable]: certificates.authority } })).toEqual(['v1'])
  })

  test('an authority in certs.d is trusted for its host alone', async () => {
    const home = homeWith(address, { 'ca.crt': certificates.authority })
    expect(await tagsOf(address, { env: { HOME: home } })).toEqual(['v1'])
    const other = homeWith('other:1', { 'ca.crt': certificates.authority })
    await expect(tagsOf(address, { env: { HOME: other } })).rejects.toMatchObject({ code: 'network' })
  })

  test('a certificate for another name is refused', async () => {
    const host = address.replace('127.0.0.1', '127.0.0.2')
    const home = homeWith(host, { 'ca.crt': certificates.authority })
    await expect(tagsOf(host, { env: { HOME: home } })).rejects.toThrow()
  })

  test('a client certificate is shown where one is asked for', async () => {
    const files = { 'ca.crt': certificates.authority }
    await expect(tagsOf(strictAddress, { env: { HOME: homeWith(strictAddress, files) } })).rejects.toThrow()
    const client = { 'client.cert': certificates.clientCertificate, 'client.key': certificates.clientKey }
    const home = homeWith(strictAddress, { ...files, ...client })
    expect(await tagsOf(strictAddress, { env: { HOME: home } })).toEqual(['v1'])
  })

  test('a client certificate without its key is an error that names both', async () => {
    const home = homeWith(address, { 'client.cert': certificates.clientCertificate })
    await expect(tagsOf(address, { env: { HOME: home } })).rejects.toThrow(/client\.cert has no client\.key beside it/)
  })

  test('an unreadable file of authorities is an error that names the variable', async () => {
    await expect(tagsOf(address, { env: { SSL_CERT_FILE: '/nonexistent.pem' } })).rejects.toMatchObject({
      code: 'config-invalid',
      hint: expect.stringContaining('SSL_CERT_FILE') as string,
    })
  })
})
