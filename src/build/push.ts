/** Pushing what was built, to every name that it shall have. */
import type { Digest } from '../core/digest.ts'
import type { Scope } from '../core/scope.ts'
import { parseReference } from '../oci/reference.ts'
import type { Settled } from '../transfer/portable.ts'
import { pushImage } from '../transfer/push.ts'
import type { ImageOutput } from './contract.ts'
import type { BuildDeps } from './deps.ts'
import type { Formed } from './forms.ts'

/**
 * Pushes under all names of the output, or under none but the digest; returns what the registries have now.
 * @throws WherryError `registry`, `auth-failed`, `network`; each names the repository
 */
export async function pushOutput(
  { outgoing }: Formed,
  { output, stored }: { readonly output: ImageOutput; readonly stored: Digest },
  { deps, scope }: { readonly deps: BuildDeps; readonly scope: Scope },
): Promise<Settled | undefined> {
  let pushed: Settled | undefined
  for (const name of output.names) {
    const { registry, repository, tag } = parseReference(name)
    const reference =
      output.push === 'digest' || tag === undefined ? { registry, repository } : { registry, repository, tag }
    pushed = (await pushImage({ outgoing, reference, stored }, deps, scope)).settled
  }
  return pushed
}
