/** Options of every command that talks to registries, and what they come to. */
import { WherryError } from '../core/errors.ts'
import { parseDuration } from '../dockerfile/duration.ts'
import { type RetryPolicy, defaultRetryPolicy } from '../http/retry.ts'
import type { OptionTable, OptionValues } from './command.ts'

export const registryOptions = {
  'insecure-registry': {
    kind: 'list',
    value: 'HOST[:PORT]',
    help: 'Allow plain http and unknown certificates for this registry',
  },
  'tls-verify': { kind: 'boolean', on: true, help: 'Insist on https with a valid certificate (loopback excepted)' },
  retry: { kind: 'string', value: 'N', help: 'How often a request that fails is tried again (default 5)' },
  'retry-delay': {
    kind: 'string',
    value: 'DURATION',
    help: 'Wait before the first retry, doubled for each one more (default 500ms)',
  },
  timeout: {
    kind: 'string',
    value: 'DURATION',
    help: 'No retry begins later than this after the first try (default 5m)',
  },
  parallel: { kind: 'string', value: 'N', help: 'Layers that are moved at once (default 6)' },
} as const satisfies OptionTable

/** Options that say how registries are spoken to. */
export type RegistryOptionValues = OptionValues<typeof registryOptions>

/** When requests are tried again. @throws WherryError `usage` */
export function retryPolicyOf(options: RegistryOptionValues): Partial<RetryPolicy> {
  const retries = wholeNumber(options.retry, '--retry', 0)
  const delay = milliseconds(options['retry-delay'], '--retry-delay')
  const total = milliseconds(options.timeout, '--timeout')
  return {
    ...(retries !== undefined && { tries: retries + 1 }),
    ...(delay !== undefined && { baseMs: delay, maxDelayMs: Math.max(delay, defaultRetryPolicy.maxDelayMs) }),
    ...(total !== undefined && { totalMs: total }),
  }
}

/** How many layers are moved at once; undefined for the default. @throws WherryError `usage` */
export function parallelOf(options: RegistryOptionValues): number | undefined {
  return wholeNumber(options.parallel, '--parallel', 1)
}

function wholeNumber(text: string | undefined, option: string, least: number): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,4}$/.test(text) && Number(text) >= least) return Number(text)
  throw new WherryError('usage', `${option} is "${text}", which is no number from ${least} to 9999`)
}

function milliseconds(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  try {
    const ms = parseDuration(text) / 1e6
    if (ms >= 0) return ms
  } catch {
    // Said below in the words of this option.
  }
  throw new WherryError('usage', `${option} is "${text}", which is no duration`, { hint: 'Write 500ms, 2s or 1m30s.' })
}
