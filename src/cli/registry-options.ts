/** Options of every command that talks to registries. */
import type { OptionTable } from './command.ts'

export const registryOptions = {
  'insecure-registry': {
    kind: 'list',
    value: 'HOST[:PORT]',
    help: 'Allow plain http and unknown certificates for this registry',
  },
  'tls-verify': { kind: 'boolean', on: true, help: 'Insist on https with a valid certificate (loopback excepted)' },
} as const satisfies OptionTable
