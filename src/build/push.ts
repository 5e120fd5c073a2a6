/** Pushing what was built, to every name that it has. */
import { WherryError } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import type { Image } from '../oci/image.ts'
import { parseReference } from '../oci/reference.ts'
import { pushImage } from '../transfer/push.ts'
import type { BuildRequest } from './contract.ts'
import type { BuildDeps } from './deps.ts'

/** Pushes the image under all tags of the request. @throws WherryError `usage` if there are none, `registry`, `auth-failed` */
export async function pushAll(
  image: Image,
  { request, deps, scope }: { request: BuildRequest; deps: BuildDeps; scope: Scope },
): Promise<void> {
  if (request.tags.length === 0)
    throw new WherryError('usage', '--push needs a name to push to', { hint: 'Give the image one with -t.' })
  for (const tag of request.tags) await pushImage({ image, reference: parseReference(tag) }, deps, scope)
}
