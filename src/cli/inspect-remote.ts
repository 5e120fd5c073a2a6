/** `wherry inspect --remote`: an image of a registry, without pulling it. */
import { hostPlatform, parsePlatform } from '../oci/platform.ts'
import { parseReference } from '../oci/reference.ts'
import { manifestOf } from '../transfer/documents.ts'
import { remoteImage } from '../transfer/remote-image.ts'
import { imageInspection } from './inspection.ts'
import type { Io } from './io.ts'
import type { RegistryOptionValues } from './registry-options.ts'
import { registryFor, scopeOf } from './wiring.ts'

/** The object for an image that a registry has. Its size is that of the compressed layers. @throws as `remoteImage` */
export async function inspectRemote(
  query: string,
  options: RegistryOptionValues & { readonly platform: string | undefined },
  io: Io,
): Promise<object> {
  const reference = parseReference(query)
  const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform, hostPlatform())
  const scope = scopeOf(io, () => undefined)
  const found = await remoteImage({ reference, platform }, { registry: registryFor(options, io) }, scope)
  const manifest = manifestOf(found.manifest)
  const { registry, repository, tag } = reference
  const created = found.image.config.raw['created']
  const layers = found.image.layers.map(({ diffId, blob }) => ({ diffId, size: blob.size }))
  const facts = {
    image: {
      id: found.config.descriptor.digest,
      manifest: found.top,
      names: tag === undefined ? [] : [`${registry}/${repository}:${tag}`],
      repoDigests: [`${registry}/${repository}@${found.top.digest}`],
      storedAt: '',
    },
    manifest,
    config: found.image.config,
    layers,
    size: layers.reduce((sum, layer) => sum + layer.size, 0),
    ...(typeof created === 'string' ? { created } : {}),
    ...(found.members && { members: found.members }),
  }
  return imageInspection(facts, undefined, '')
}
