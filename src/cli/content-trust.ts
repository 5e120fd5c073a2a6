/** Docker's content trust: signatures that a notary server keeps. There is none here, and whoever relies on it is told. */
import { WherryError } from '../core/errors.ts'
import type { OptionTable, OptionValues } from './command.ts'

export const contentTrustOptions = {
  'disable-content-trust': {
    kind: 'optional',
    bare: 'true',
    choices: ['true', 'false'],
    hidden: true,
    help: 'Only true: wherry asks no notary for signatures',
  },
} as const satisfies OptionTable

/**
 * Refuses content trust, asked for by the option or, as docker reads it, by `DOCKER_CONTENT_TRUST`; the option wins.
 * @throws WherryError `usage`
 */
export function refuseContentTrust(
  options: OptionValues<typeof contentTrustOptions>,
  env: Readonly<Record<string, string | undefined>>,
): void {
  const given = options['disable-content-trust']
  const isByEnvironment = given === undefined && /^(1|t|true)$/i.test(env['DOCKER_CONTENT_TRUST'] ?? '')
  if (given !== 'false' && !isByEnvironment) return
  const asked =
    given === undefined ? `DOCKER_CONTENT_TRUST=${env['DOCKER_CONTENT_TRUST']}` : '--disable-content-trust=false'
  throw new WherryError('usage', `${asked} is not possible: wherry asks no notary for signatures`, {
    hint: 'Name images by digest (NAME@sha256:…), or check their signatures with cosign; --disable-content-trust goes on without.',
  })
}
