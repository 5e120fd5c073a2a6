/** Writing zstd: by Node where it can (22.15 and later), else by the machine's `zstd` program. RFC 8878. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as zlib from 'node:zlib'
import { WherryError, errnoOf } from '../core/errors.ts'

/** Of Node 22.15 and later; its types are those of Node 20. */
interface NewerZlib {
  readonly createZstdCompress?: (options: {
    readonly params: Readonly<Record<number, number>>
  }) => NodeJS.ReadWriteStream
  readonly constants: { readonly ZSTD_c_compressionLevel?: number }
}

/** Level if none is asked for: zstd's own default. */
export const defaultZstdLevel = 3

/**
 * The source as one zstd frame at a level of 1 to 22. One version of the library gives the same bytes each time.
 * @throws WherryError `host-unsupported` if neither Node nor the machine can write zstd, `io` if the program fails
 */
export async function* zstdCompress(
  source: AsyncIterable<Uint8Array>,
  level: number = defaultZstdLevel,
): AsyncGenerator<Buffer, void, undefined> {
  const { createZstdCompress, constants } = zlib as unknown as NewerZlib
  if (createZstdCompress === undefined || constants.ZSTD_c_compressionLevel === undefined) {
    yield* byProgram(source, level)
    return
  }
  const encoder = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: level } })
  const fed = handled(pipeline(Readable.from(source, { objectMode: false }), encoder))
  for await (const chunk of encoder as AsyncIterable<Buffer>) yield chunk
  await fed
}

async function* byProgram(source: AsyncIterable<Uint8Array>, level: number): AsyncGenerator<Buffer> {
  // One thread: with more, the frame depends on how many there are.
  const args = ['-q', '-c', '-T1', ...(level > 19 ? ['--ultra'] : []), `-${level}`]
  const child = spawn('zstd', args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const errors: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  const closed = handled(once(child, 'close') as Promise<[number | null]>)
  const fed = handled(pipeline(Readable.from(source, { objectMode: false }), child.stdin))
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) yield chunk
    const [code] = await closed
    if (code !== 0)
      throw new WherryError('io', `zstd ended with ${code ?? 'a signal'}: ${String(Buffer.concat(errors))}`)
    await fed
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    throw new WherryError('host-unsupported', 'this machine cannot write zstd', {
      cause: error,
      hint: 'Install the `zstd` program, use Node 22.15 or later, or choose compression=gzip.',
    })
  } finally {
    child.kill()
  }
}

/** Keeps a rejection from being reported as unhandled until it is awaited. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}
