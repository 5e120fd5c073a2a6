/** FROM and COPY --from of images: resolved once per name and platform, held for the build. */
import type { Image } from '../oci/image.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import type { TransferDeps } from '../transfer/deps.ts'
import { resolveBase } from '../transfer/resolve.ts'
import type { Scope } from '../core/scope.ts'
import type { Lease } from '../store/contract.ts'
import type { BuildRequest } from './contract.ts'
import type { BaseNote } from './explain/note.ts'
import { stackKey } from './keys.ts'

/** A resolver for one build. */
export function baseResolver(of: {
  readonly request: BuildRequest
  readonly deps: TransferDeps
  readonly scope: Scope
  readonly lease: Lease
  /** Is told what a name stands for. */
  readonly onBase?: (base: BaseNote) => void
}): (name: string, platform: Platform) => Promise<Image> {
  const known = new Map<string, Promise<Image>>()
  const { request, deps, scope, lease } = of
  const resolve = async (name: string, platform: Platform): Promise<Image> => {
    const { image, manifest } = await resolveBase(
      { name, platform, policy: request.pull, isPlatformChecked: true },
      deps,
      scope,
    )
    of.onBase?.({ name, digest: manifest, stack: stackKey(image.layers.map((l) => l.diffId)) })
    await lease.hold(manifest, ...image.layers.map((l) => l.diffId))
    return image
  }
  return (name, platform) => {
    const key = `${name} ${formatPlatform(platform)}`
    const made = known.get(key) ?? resolve(name, platform)
    known.set(key, made)
    return made
  }
}
