/** Bytes from outside, checked against their descriptor on the way. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { digestFromHex } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'

/** The stream; it fails with `digest-mismatch` as soon as it is longer, or at its end if it is not what the descriptor says. */
export function verified(stream: Readable, descriptor: Pick<Descriptor, 'digest' | 'size'>, label: string): Readable {
  return Readable.from(checked(stream, descriptor, label), { objectMode: false })
}

async function* checked(
  stream: Readable,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
  label: string,
): AsyncGenerator<Buffer> {
  const wrong = (what: string): WherryError =>
    new WherryError('digest-mismatch', `${digest} in ${label} ${what}`, {
      hint: 'It was damaged, or altered; nothing of it was used.',
    })
  const hash = createHash('sha256')
  let seen = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk)
    seen += chunk.length
    if (seen > size) throw wrong(`has more than the ${size} bytes that it should have`)
    yield chunk
  }
  if (seen !== size) throw wrong(`has ${seen} bytes instead of ${size}`)
  if (digestFromHex(hash.digest('hex')) !== digest) throw wrong('has other bytes than its digest says')
}
