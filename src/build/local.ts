/** What works on a request whose sources may be elsewhere: they are fetched first, and gone afterwards. */
import { isAbsolute } from 'node:path'
import type { Scope } from '../core/scope.ts'
import type { Fetching } from './context/fetch-folder.ts'
import type { Localised } from './context/local-request.ts'
import { presentDockerfile } from './context/present-dockerfile.ts'
import type { BuildRequest } from './contract.ts'
import type { BuildDeps } from './deps.ts'
import { openSecrets } from './inputs/secrets.ts'
import { trackTemps } from './temps.ts'

/** Whether something must be fetched before the Dockerfile can be read. */
export function isElsewhere({ remote, dockerfile }: Pick<BuildRequest, 'remote' | 'dockerfile'>): boolean {
  return remote !== undefined || !isAbsolute(dockerfile)
}

/** The request with its sources on this machine. @throws as `localRequest` */
export async function localised(request: BuildRequest, fetching: Fetching): Promise<Localised> {
  if (!isElsewhere(request)) return { request: await presentDockerfile(request) }
  // Loaded here: most contexts and Dockerfiles are on this machine.
  const { localRequest } = await import('./context/local-request.ts')
  return localRequest(request, fetching)
}

/** Gives `work` the request with its sources on this machine, for as long as it takes. @throws as `localRequest` */
export async function withLocalRequest<T>(
  request: BuildRequest,
  { deps, scope }: { readonly deps: BuildDeps; readonly scope: Scope },
  work: (local: BuildRequest) => Promise<T>,
): Promise<T> {
  const { store, clean } = trackTemps(deps.store)
  const lease = await store.lease()
  try {
    const hold: Fetching['hold'] = (...digests) => lease.hold(...digests)
    const fetching = { deps: { ...deps, store }, scope, secrets: openSecrets(request.secrets ?? []), hold }
    return await work((await localised(request, fetching)).request)
  } finally {
    await clean()
    await lease.release()
  }
}
