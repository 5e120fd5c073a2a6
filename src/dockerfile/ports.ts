/** EXPOSE: `80`, `80/udp`, `8000-8010/tcp`, and the forms with a host part that docker accepts and drops. */
import { isIP } from 'node:net'
import { type SourceRange, WherryError } from '../core/errors.ts'
import { cut } from './text.ts'

/**
 * Expanded EXPOSE words to the keys of an image's ExposedPorts, `80/tcp`, in order.
 * @throws WherryError `dockerfile-invalid`
 */
export function parsePorts(words: readonly string[], at?: SourceRange): string[] {
  return words.flatMap((word) => parsePort(word, at))
}

function parsePort(word: string, at: SourceRange | undefined): string[] {
  const fail = (message: string): never => {
    const hint = 'Write a port, 8080 or 8080/udp, or a range, 8000-8010.'
    throw new WherryError('dockerfile-invalid', message, { hint, at })
  }
  const parts = word.split(':')
  const last = parts.at(-1) ?? ''
  const host = parts.at(-2) ?? ''
  const ip = parts.slice(0, -2).join(':')
  const [numbers, protocol = ''] = cut(last, '/')
  if (numbers === '') return fail(`invalid port: "${word}": no port specified`)
  const lower = protocol.toLowerCase()
  if (!['', 'tcp', 'udp', 'sctp'].includes(lower)) return fail(`invalid port: "${word}": invalid proto: ${protocol}`)
  if (ip !== '' && !isAddress(ip)) return fail(`invalid IP address: ${ip}`)
  const range = parseRange(numbers) ?? fail(`invalid containerPort: ${numbers}`)
  const hostRange = host === '' ? undefined : (parseRange(host) ?? fail(`invalid hostPort: ${host}`))
  const length = range.end - range.start
  // A range of host ports for one port is fine: docker picks one of them.
  if (hostRange && length > 0 && hostRange.end - hostRange.start !== length) {
    return fail(`invalid ranges specified for container and host Ports: ${numbers} and ${host}`)
  }
  return Array.from({ length: length + 1 }, (_, i) => `${range.start + i}/${lower || 'tcp'}`)
}

function isAddress(text: string): boolean {
  const bare = /^\[([^[\]]*)\]$/.exec(text)?.[1] ?? text
  return !bare.includes('%') && isIP(bare) !== 0
}

function parseRange(text: string): { start: number; end: number } | undefined {
  const [first, second] = cut(text, '-')
  const start = portNumber(first)
  const end = second === undefined || second === first ? start : portNumber(second)
  return start === undefined || end === undefined || end < start ? undefined : { start, end }
}

function portNumber(text: string): number | undefined {
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN
  return value >= 0 && value <= 65_535 ? value : undefined
}
