/** Reading response bodies that must be small. */
import { WherryError } from '../core/errors.ts'
import { networkError } from './failure.ts'
import { type HttpResponse, contentLengthOf } from './message.ts'
import { redactUrl } from './url.ts'

/**
 * A whole body of at most `maxBytes`.
 * @throws WherryError `network` if it is longer, or the connection breaks
 */
export async function readBounded(response: HttpResponse, maxBytes: number): Promise<Buffer> {
  const { bytes, isWhole } = await readStart(response, maxBytes)
  if (isWhole) return bytes
  throw new WherryError('network', `the answer of ${redactUrl(response.url)} is longer than ${maxBytes} bytes`)
}

/**
 * At most the first `maxBytes` of a body, for error texts; the rest is cut off.
 * @throws WherryError `network` if the connection breaks
 */
export async function readStart(
  response: HttpResponse,
  maxBytes: number,
): Promise<{ bytes: Buffer; isWhole: boolean }> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      size += chunk.length
      if (size > maxBytes) break
    }
  } catch (error) {
    throw networkError(error, response.url)
  }
  const expected = contentLengthOf(response)
  if (size <= maxBytes && expected !== undefined && size < expected) {
    throw new WherryError('network', `the answer of ${redactUrl(response.url)} ended early`, {
      details: { retryable: true },
    })
  }
  return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), isWhole: size <= maxBytes }
}
