/** Signatures of Release files, checked by gpgv or sqv, which look only at the keyrings given. */
import { existsSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { WherryError } from '../../core/errors.ts'
import { runProgram } from '../../host/program.ts'
import { findTool } from '../../host/tools.ts'
import { usualKeyrings } from './sources.ts'

/** What a check works with. */
export interface SignatureCheck {
  readonly program: 'gpgv' | 'sqv'
  readonly path: string
  /** Keyrings in binary form. */
  readonly keyrings: readonly string[]
  readonly tempPath: (label: string) => string
}

/** What to look for. */
export interface SignatureSpec {
  readonly suite: string
  /** Overrides the usual keyrings. */
  readonly keyring?: string | undefined
  readonly tempPath: (label: string) => string
}

/**
 * Finds a program and keys.
 * @throws WherryError `host-unsupported` if one of them is missing: nothing is then taken from a mirror unchecked
 */
export async function openSignatureCheck(spec: SignatureSpec): Promise<SignatureCheck> {
  const program = (['gpgv', 'sqv'] as const).find((name) => findTool(name) !== undefined)
  if (program === undefined) {
    throw new WherryError('host-unsupported', 'neither gpgv nor sqv is on this machine to check the signature', {
      hint: 'Install gpgv (Debian, Ubuntu), gnupg2 (Fedora) or sequoia-sqv; --no-check-gpg takes packages unchecked.',
    })
  }
  const wanted = spec.keyring === undefined ? usualKeyrings(spec.suite) : [spec.keyring]
  const found = wanted.filter((path) => existsSync(path))
  if (found.length === 0) {
    const name = spec.keyring ?? `the keyring of ${spec.suite}'s maker`
    throw new WherryError('host-unsupported', `${name} is not on this machine (looked for ${wanted.join(', ')})`, {
      hint: 'Install debian-archive-keyring or ubuntu-keyring, name the keys with --keyring FILE; --no-check-gpg takes packages unchecked.',
    })
  }
  const keyrings = await Promise.all(found.map((path) => binaryKeyring(path, spec.tempPath)))
  return { program, path: findTool(program)!, keyrings, tempPath: spec.tempPath }
}

/** gpgv reads no armour. RFC 9580, section 6.2. */
async function binaryKeyring(path: string, tempPath: SignatureSpec['tempPath']): Promise<string> {
  const bytes = readFileSync(path)
  if (!bytes.subarray(0, 4096).includes('-----BEGIN PGP PUBLIC KEY BLOCK-----')) return path
  const blocks = bytes.toString('latin1').matchAll(/-----BEGIN PGP PUBLIC KEY BLOCK-----([^]*?)-----END PGP/g)
  const keys = [...blocks].map(([, armoured = '']) => {
    const body = armoured.slice(armoured.search(/\r?\n\r?\n/))
    const lines = body.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('='))
    return Buffer.from(lines.join(''), 'base64')
  })
  const to = tempPath('keyring.gpg')
  await writeFile(to, Buffer.concat(keys))
  return to
}

/** A Release file as a mirror has it: with its signature around it, or beside it. */
export type SignedRelease =
  | { readonly kind: 'inline'; readonly bytes: Buffer }
  | { readonly kind: 'detached'; readonly bytes: Buffer; readonly signature: Buffer }

/**
 * Checks the signature; returns the text that it is for, and nothing that stands around it.
 * @throws WherryError `auth-failed`
 */
export async function verifiedText(
  signed: SignedRelease,
  check: SignatureCheck,
  { name, signal }: { readonly name: string; readonly signal: AbortSignal },
): Promise<string> {
  const files = { release: check.tempPath('Release'), signature: check.tempPath('Release.gpg') }
  try {
    await writeFile(files.release, signed.bytes)
    if (signed.kind === 'detached') await writeFile(files.signature, signed.signature)
    const { code, stdout, stderr } = await runProgram(
      argumentsOf(signed, check, files),
      { env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', HOME: '/nonexistent' } },
      signal,
    )
    if (code !== 0) throw rejected(name, stderr)
    return signed.kind === 'inline' ? stdout.toString() : signed.bytes.toString()
  } finally {
    await rm(files.release, { force: true })
    await rm(files.signature, { force: true })
  }
}

function argumentsOf(
  { kind }: SignedRelease,
  { program, path, keyrings }: SignatureCheck,
  { release, signature }: { readonly release: string; readonly signature: string },
): [string, ...string[]] {
  const keys = keyrings.flatMap((keyring) => ['--keyring', keyring])
  if (program === 'gpgv') {
    return [path, ...keys, ...(kind === 'inline' ? ['--output', '-', release] : [signature, release])]
  }
  return [path, ...keys, ...(kind === 'inline' ? ['--cleartext', '--output', '-', release] : [signature, release])]
}

function rejected(name: string, words: string): WherryError {
  const said = words
    .split('\n')
    .filter((line) => /no public key|bad signature|expired|can't check|not valid|error|missing/i.test(line))
    .join('; ')
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, 300)
  return new WherryError('auth-failed', `the signature of ${name} does not hold${said === '' ? '' : `: ${said}`}`, {
    hint: 'Name the right keys with --keyring FILE, or a mirror that is not tampered with.',
  })
}
