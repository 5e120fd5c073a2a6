/** `pull`: an image into the store, layers and all. */
import type { Scope } from '../core/scope.ts'
import type { TransferDeps } from './deps.ts'
import { fetchLayers } from './fetch.ts'
import { type BaseRequest, type ResolvedBase, resolveBase } from './resolve.ts'

/** What was pulled. */
export interface Pulled extends ResolvedBase {
  /** Whether the name means another image than before, or something of it was not here. */
  readonly isNew: boolean
}

/** Resolves an image and fetches all its layers. @throws as `resolveBase` and `fetchLayer` */
export async function pullImage(request: BaseRequest, deps: TransferDeps, scope: Scope): Promise<Pulled> {
  const before = await deps.store.images.list()
  const seen = { moved: false }
  const watching: Scope = {
    ...scope,
    emit: (event) => {
      seen.moved ||= event.type === 'transfer-finished' && event.outcome === 'done'
      scope.emit(event)
    },
  }
  const resolved = await resolveBase(request, deps, watching)
  await fetchLayers(resolved.image.layers, deps, watching)
  const isTag = resolved.reference?.tag !== undefined
  const known = before.find((image) => image.manifest.digest === resolved.manifest)
  const isKnown = known !== undefined && (!isTag || known.names.includes(request.name))
  return { ...resolved, isNew: seen.moved || !isKnown }
}
