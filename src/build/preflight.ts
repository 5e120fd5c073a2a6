/** Before a long build: whether its end, the push, will be allowed. */
import type { Scope } from '../core/scope.ts'
import { WherryError } from '../core/errors.ts'
import { parseReference } from '../oci/reference.ts'
import type { RegistryClient, Repository } from '../registry/contract.ts'
import type { BuildRequest } from './contract.ts'

/**
 * Asks each registry that the build will push to whether one may.
 * @throws WherryError `auth-failed`, `registry`, `network`, `cancelled`; each names registry and repository
 */
export async function checkPushes(
  request: Pick<BuildRequest, 'outputs' | 'preflight'>,
  registry: Pick<RegistryClient, 'checkPush'>,
  scope: Scope,
): Promise<void> {
  if (request.preflight === false) return
  await Promise.all(repositoriesOf(request).map((repository) => checkOne(repository, registry, scope)))
}

function repositoriesOf({ outputs }: Pick<BuildRequest, 'outputs'>): Repository[] {
  const names = outputs.flatMap((output) => (output.type === 'image' && output.push !== 'no' ? output.names : []))
  const all = names.map(parseReference).map(({ registry, repository }) => ({ registry, repository }))
  return [...new Map(all.map((one) => [`${one.registry}/${one.repository}`, one])).values()]
}

async function checkOne(
  repository: Repository,
  registry: Pick<RegistryClient, 'checkPush'>,
  scope: Scope,
): Promise<void> {
  try {
    await registry.checkPush(repository, scope)
  } catch (error) {
    if (!(error instanceof WherryError) || error.code === 'cancelled') throw error
    const { code, message, hint, details } = error
    const skip = 'Nothing was built yet; --no-preflight builds without this check.'
    throw new WherryError(code, message, { hint: hint === undefined ? skip : `${hint} ${skip}`, details, cause: error })
  }
}
