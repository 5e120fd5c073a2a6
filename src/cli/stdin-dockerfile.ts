/** A Dockerfile that comes on standard input, as a file for as long as it is needed. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { WherryError } from '../core/errors.ts'
import type { Io } from './io.ts'

/** Where it was put. */
export interface SpooledDockerfile {
  readonly dockerfile: string
  /** An empty folder, for a build that has no context. */
  readonly emptyContext: string
}

/**
 * Reads standard input to its end and gives it to `work` as a file, which is gone afterwards.
 * @throws WherryError `not-implemented` for an archive, which docker would take as a context
 */
export async function withStdinDockerfile<T>(
  io: Pick<Io, 'stdin'>,
  work: (spooled: SpooledDockerfile) => Promise<T>,
): Promise<T> {
  const text = await buffer(io.stdin)
  if (isArchive(text)) {
    throw new WherryError('not-implemented', 'a context on standard input is not implemented yet', {
      hint: 'Unpack it to a folder and build that.',
    })
  }
  const dir = await mkdtemp(join(tmpdir(), 'wherry-stdin-'))
  try {
    const spooled = { dockerfile: join(dir, 'Dockerfile'), emptyContext: join(dir, 'context') }
    await writeFile(spooled.dockerfile, text)
    await mkdir(spooled.emptyContext)
    return await work(spooled)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** A tar, or something compressed: what no Dockerfile begins with. */
function isArchive(bytes: Buffer): boolean {
  const magics = ['1f8b', '425a68', 'fd377a585a00', '28b52ffd']
  const start = bytes.subarray(0, 6).toString('hex')
  return bytes.subarray(257, 262).toString('latin1') === 'ustar' || magics.some((magic) => start.startsWith(magic))
}
