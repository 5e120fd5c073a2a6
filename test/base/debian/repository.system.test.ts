/** A mirror in a folder, signed with keys made for the test: what is taken from it, and what is refused. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readIndexes, fetchPackages } from '../../../src/base/debian/repository.ts'
import { openSignatureCheck } from '../../../src/base/debian/signature.ts'
import { quietScope } from '../../../src/core/scope.ts'
import { createHttpClient } from '../../../src/http/client.ts'
import { openStore } from '../../../src/store/store.ts'
import { lacks, missingTools } from '../../support/need.ts'
import { tempDir } from '../../support/temp.ts'

const isMissing = lacks('tools', missingTools('gpg', 'gpgv'))

/** A keyring in both forms, and what signs with it. */
interface Key {
  readonly home: string
  readonly binary: string
  readonly armoured: string
}

function makeKey(dir: string): Key {
  const home = join(dir, 'gnupg')
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const gpg = (...args: string[]): Buffer =>
    execFileSync('gpg', ['--homedir', home, '--batch', ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
  gpg('--passphrase', '', '--quick-generate-key', 'mirror@example.org', 'ed25519', 'sign', 'never')
  writeFileSync(join(dir, 'key.gpg'), gpg('--export'))
  writeFileSync(join(dir, 'key.asc'), gpg('--armor', '--export'))
  return { home, binary: join(dir, 'key.gpg'), armoured: join(dir, 'key.asc') }
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A mirror with one package; `fields` go into its Release. */
function makeMirror(dir: string, { home }: Key, fields = ''): string {
  const put = (path: string, bytes: string | Uint8Array): void => {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), bytes)
  }
  const deb = Buffer.from('the bytes of a package')
  put('pool/tool.deb', deb)
  const stanza = ['Package: tool', 'Version: 1', 'Architecture: all', 'Filename: pool/tool.deb']
  const index = gzipSync(`${[...stanza, `Size: ${deb.length}`, `SHA256: ${sha256(deb)}`].join('\n')}\n`)
  const name = 'main/binary-amd64/Packages.gz'
  put(`dists/stable/${name}`, index)
  const release = `Suite: stable\nCodename: twelve\n${fields}SHA256:\n ${sha256(index)} ${index.length} ${name}\n`
  put('dists/stable/Release', release)
  const sign = (mode: string, to: string): void => {
    const at = join(dir, 'dists/stable')
    execFileSync('gpg', ['--homedir', home, '--batch', '--yes', '--output', join(at, to), mode, join(at, 'Release')], {
      stdio: 'ignore',
    })
  }
  sign('--clearsign', 'InRelease')
  sign('--detach-sign', 'Release.gpg')
  return `file://${dir}`
}

describe.skipIf(isMissing)('a mirror', () => {
  let dir: string
  let key: Key
  let otherKey: Key
  beforeAll(() => {
    // Not `tempDir`, which ends with one test.
    dir = mkdtempSync(join(tmpdir(), 'wherry-keys-'))
    key = makeKey(join(dir, 'one'))
    otherKey = makeKey(join(dir, 'two'))
  })
  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  /** Reads the index of a mirror, checked with a keyring; undefined: unchecked. */
  async function read(mirror: string, keyring: string | undefined, suite = 'stable') {
    const store = await openStore(tempDir())
    const lease = await store.lease()
    const tempPath = (label: string): string => store.tempPath(label)
    const check = keyring === undefined ? undefined : await openSignatureCheck({ suite, keyring, tempPath })
    const repository = { http: createHttpClient({ env: {} }), store, lease, check }
    const source = { mirror, suite, components: ['main'] }
    const parts = { repository, scope: quietScope() }
    const packages = await readIndexes(source, 'amd64', parts)
    return { packages, fetch: () => fetchPackages(packages, parts) }
  }

  it('whose signature holds gives its packages, with keys in either form', async () => {
    const mirror = makeMirror(tempDir(), key)
    for (const keyring of [key.binary, key.armoured]) {
      const { packages, fetch } = await read(mirror, keyring)
      expect(packages.map((p) => p.name)).toEqual(['tool'])
      expect(readFileSync((await fetch())[0]!, 'utf8')).toBe('the bytes of a package')
    }
  })

  it('without InRelease is checked by Release.gpg', async () => {
    const dir = tempDir()
    const mirror = makeMirror(dir, key)
    execFileSync('rm', [join(dir, 'dists/stable/InRelease')])
    expect((await read(mirror, key.binary)).packages).toHaveLength(1)
    writeFileSync(join(dir, 'dists/stable/Release.gpg'), '')
    await expect(read(mirror, key.binary)).rejects.toMatchObject({ code: 'auth-failed' })
  })

  it('signed by another key, or changed after signing, is refused', async () => {
    const dir = tempDir()
    const mirror = makeMirror(dir, key)
    await expect(read(mirror, otherKey.binary)).rejects.toMatchObject({ code: 'auth-failed' })
    const path = join(dir, 'dists/stable/InRelease')
    writeFileSync(path, readFileSync(path, 'utf8').replace('Codename: twelve', 'Codename: eleven'))
    await expect(read(mirror, key.binary)).rejects.toMatchObject({ code: 'auth-failed' })
    expect((await read(mirror, undefined)).packages).toHaveLength(1)
  })

  it('gives nothing of what stands around the signed text', async () => {
    const dir = tempDir()
    const mirror = makeMirror(dir, key)
    const path = join(dir, 'dists/stable/InRelease')
    writeFileSync(path, `Suite: evil\nSHA256:\n\n${readFileSync(path, 'utf8')}`)
    const { packages } = await read(mirror, key.binary)
    expect(packages.map((p) => p.name)).toEqual(['tool'])
  })

  it('of another suite, or one that is out of date, is refused though it is signed', async () => {
    const dir = tempDir()
    const mirror = makeMirror(dir, key)
    execFileSync('mv', [join(dir, 'dists/stable'), join(dir, 'dists/testing')])
    await expect(read(mirror, key.binary, 'testing')).rejects.toMatchObject({
      code: 'auth-failed',
      message: expect.stringContaining('gives the suite stable') as string,
    })
    const old = makeMirror(tempDir(), key, 'Valid-Until: Sat, 01 Jan 2022 00:00:00 UTC\n')
    await expect(read(old, key.binary)).rejects.toThrow('was valid until Sat, 01 Jan 2022')
  })

  it('with an index or a package of other bytes is refused', async () => {
    const dir = tempDir()
    const mirror = makeMirror(dir, key)
    writeFileSync(join(dir, 'pool/tool.deb'), 'the bytes of another 1')
    const { fetch } = await read(mirror, key.binary)
    await expect(fetch()).rejects.toMatchObject({ code: 'digest-mismatch' })
    writeFileSync(join(dir, 'dists/stable/main/binary-amd64/Packages.gz'), gzipSync('Package: other\n'))
    await expect(read(mirror, key.binary)).rejects.toMatchObject({ code: 'digest-mismatch' })
  })

  it('without a suite of that name, a component or keys says so', async () => {
    const mirror = makeMirror(tempDir(), key)
    await expect(read(mirror, key.binary, 'nowhere')).rejects.toThrow('neither InRelease nor Release')
    await expect(read(mirror, '/no/such/key.gpg')).rejects.toMatchObject({ code: 'host-unsupported' })
  })
})
