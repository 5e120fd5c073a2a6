/** What a build gives to steps beside files: secrets, ssh agents, and which caches. */
import type { Store } from '../../store/contract.ts'
import { type CacheBeginnings, openCacheBeginnings } from './cache-beginnings.ts'
import { type SecretSource, type Secrets, openSecrets } from './secrets.ts'
import { type SshAgents, type SshSource, openSshAgents } from './ssh.ts'

/** What steps can ask for. */
export interface RunInputs {
  readonly secrets: Secrets
  readonly ssh: SshAgents
  readonly caches: CacheBeginnings
}

/** Inputs from their sources; nothing is read or started before a step asks. */
export function openInputs(
  sources: { readonly secrets?: readonly SecretSource[]; readonly ssh?: readonly SshSource[] },
  { steps }: Pick<Store, 'steps'>,
  signal: AbortSignal,
): RunInputs {
  return {
    secrets: openSecrets(sources.secrets ?? []),
    ssh: openSshAgents(sources.ssh ?? [], signal),
    caches: openCacheBeginnings(steps),
  }
}
