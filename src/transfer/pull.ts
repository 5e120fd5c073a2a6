/** `pull`: an image into the store, layers and all. */
import type { Scope } from '../core/scope.ts'
import type { TransferDeps } from './deps.ts'
import { fetchLayers } from './fetch.ts'
import { type BaseRequest, type ResolvedBase, resolveBase } from './resolve.ts'

/** Resolves an image and fetches all its layers. @throws as `resolveBase` and `fetchLayer` */
export async function pullImage(request: BaseRequest, deps: TransferDeps, scope: Scope): Promise<ResolvedBase> {
  const resolved = await resolveBase(request, deps, scope)
  await fetchLayers(resolved.image.layers, deps, scope)
  return resolved
}
