/** Sizes as docker's options write them: `64m`, `1.5GiB`, `4096`. */

const units = 'bkmgtp'

/** Bytes that a text means, units of 1024; undefined if it is no size. Reference: RAMInBytes of docker/go-units. */
export function parseByteSize(text: string): number | undefined {
  const match = /^((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?) ?(?:b|(?:([kmgtp])(?:i?b)?))?$/i.exec(text)
  if (match === null) return undefined
  const bytes = Math.trunc(Number(match[1]) * 1024 ** units.indexOf((match[2] ?? 'b').toLowerCase()))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
