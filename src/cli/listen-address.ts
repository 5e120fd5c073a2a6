/** `HOST:PORT` to listen on; pure. */
import { WherryError } from '../core/errors.ts'

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/**
 * Reads `127.0.0.1:5000`, `[::1]:5000`, `:5000` (every interface, as docker means it) or `5000` (loopback).
 * @throws WherryError `usage`
 */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:(\[[0-9a-fA-F:]+\]|[^:\s]*):)?(\d{1,5})$/.exec(text)
  const port = Number(match?.[2])
  if (match === null || port > 65535) {
    throw new WherryError('usage', `--listen "${text}" is not HOST:PORT`, { hint: '127.0.0.1:5000 for instance.' })
  }
  const host = match[1] === undefined ? '127.0.0.1' : match[1] || '0.0.0.0'
  return { host: host.replace(/^\[|\]$/g, ''), port }
}

/** True if only this machine can reach the host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host)
}
