/** A Dockerfile or a context that comes on standard input, as a file for as long as it is needed. */
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Io } from './io.ts'

/** Where it was put. */
export interface Spooled {
  /** An archive, in whatever compression, or a Dockerfile. */
  readonly kind: 'archive' | 'dockerfile'
  /** Absolute path. */
  readonly file: string
  /** An empty folder, for a build that has no context. */
  readonly emptyContext: string
}

/** Copies standard input to a file and gives it to `work`; the file is gone afterwards. */
export async function withStdin<T>(
  io: Pick<Io, 'stdin' | 'signal'>,
  work: (spooled: Spooled) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'wherry-stdin-'))
  try {
    const file = join(dir, 'Dockerfile')
    await pipeline(io.stdin, createWriteStream(file), { signal: io.signal })
    const emptyContext = join(dir, 'context')
    await mkdir(emptyContext)
    return await work({ kind: (await isArchive(file)) ? 'archive' : 'dockerfile', file, emptyContext })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** True for a tar, or something compressed: what no Dockerfile begins with. */
async function isArchive(file: string): Promise<boolean> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0)
    const bytes = buffer.subarray(0, bytesRead)
    const magics = ['1f8b', '425a68', 'fd377a585a00', '28b52ffd']
    const start = bytes.subarray(0, 6).toString('hex')
    return bytes.subarray(257, 262).toString('latin1') === 'ustar' || magics.some((magic) => start.startsWith(magic))
  } finally {
    await handle.close()
  }
}
