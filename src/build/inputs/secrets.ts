/** Secrets of a build, read when a step first asks for them and kept in memory alone. */
import { createReadStream } from 'node:fs'
import { WherryError } from '../../core/errors.ts'

/** Where a secret comes from. */
export type SecretSource =
  /** A file: absolute path. */
  | { readonly id: string; readonly file: string }
  /** A value from the environment; undefined if the variable is not set. */
  | { readonly id: string; readonly variable: string; readonly value: string | undefined }

/** Gives secrets by id. */
export interface Secrets {
  /** The value; undefined if there is none of that name. @throws WherryError `usage` if it cannot be read or is too large */
  get(id: string): Promise<Buffer | undefined>
}

/** BuildKit's limit, in bytes. */
const maxBytes = 500 * 1024

/** Secrets from their sources; of two with one id the last counts. */
export function openSecrets(sources: readonly SecretSource[]): Secrets {
  const known = new Map<string, Promise<Buffer | undefined>>()
  return {
    get(id) {
      const source = sources.findLast((one) => one.id === id)
      if (source === undefined) return Promise.resolve(undefined)
      const value = known.get(id) ?? read(source)
      known.set(id, value)
      return value
    },
  }
}

async function read(source: SecretSource): Promise<Buffer | undefined> {
  const value = 'file' in source ? await readSmall(source) : encoded(source.value)
  if (value === undefined || value.length <= maxBytes) return value
  throw new WherryError('usage', `the secret ${source.id} is larger than 500 KiB`, {
    hint: 'Secrets are kept in memory; give large files as a build context.',
  })
}

function encoded(value: string | undefined): Buffer | undefined {
  return value === undefined ? undefined : Buffer.from(value)
}

/** The file, or as much of it as shows that it is too large. */
async function readSmall({ id, file }: SecretSource & { file: string }): Promise<Buffer> {
  try {
    // A pipe gives its bytes in parts.
    const parts: Buffer[] = []
    for await (const part of createReadStream(file, { end: maxBytes })) parts.push(part as Buffer)
    return Buffer.concat(parts)
  } catch (cause) {
    throw new WherryError('usage', `the file of the secret ${id} cannot be read: ${String(cause)}`, {
      hint: `Write --secret id=${id},src=FILE, or env=VARIABLE.`,
      cause,
    })
  }
}
