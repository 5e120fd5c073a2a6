/** Reading xz with xz-decompress (xz-embedded as WebAssembly). Streams in one process take turns: it has one decoder. */
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { WherryError } from '../core/errors.ts'

/** What xz-embedded's return codes mean (`enum xz_ret`). */
const failures: Readonly<Record<string, readonly ['archive-invalid' | 'archive-unsupported', string]>> = {
  3: ['archive-unsupported', 'needs more memory than the decoder has'],
  4: ['archive-unsupported', 'needs a larger dictionary than the decoder takes'],
  5: ['archive-invalid', 'does not start like one'],
  6: ['archive-unsupported', 'uses a filter or a check that the decoder does not know'],
  7: ['archive-invalid', 'is damaged'],
  8: ['archive-invalid', 'is truncated'],
}

/**
 * Decompresses one or more xz streams in a row.
 * @throws WherryError `archive-invalid`, `archive-unsupported`; errors of the source as they are
 */
export async function* unxz(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const { default: xz } = await import('xz-decompress')
  const input = Readable.toWeb(Readable.from(source, { objectMode: false }))
  const output = new xz.XzReadableStream(input)
  try {
    for await (const chunk of output as unknown as ReadableStream<Uint8Array>) if (chunk.length > 0) yield chunk
  } catch (error) {
    throw translated(error)
  }
}

function translated(error: unknown): unknown {
  const code =
    error instanceof Error ? /^get_next_output failed with error code (\d+)$/.exec(error.message)?.[1] : undefined
  if (code === undefined) return error
  const [kind, what] = failures[code] ?? (['archive-invalid', 'is damaged'] as const)
  return new WherryError(kind, `the xz stream ${what}`, {
    cause: error,
    hint: kind === 'archive-unsupported' ? 'Decompress it first with xz -d, or compress it with plain xz.' : undefined,
  })
}
