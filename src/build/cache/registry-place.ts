/** A cache in a repository of a registry: each record is a manifest with a tag of its own, so nothing is written by two builds but equal things. */
import { Readable } from 'node:stream'
import { WherryError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { type Document, isIndex, parseManifestOrIndex } from '../../oci/image.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import type { TransferDeps } from '../../transfer/deps.ts'
import { readSmall } from '../../transfer/documents.ts'
import { pushLayer } from '../../transfer/push.ts'
import { portableForm } from '../../transfer/portable.ts'
import type { RegistryCache } from '../contract.ts'
import { type CacheReader, type CacheWriter, namesOf } from './place.ts'
import { emptyDocument, recordTag } from './record.ts'

/** Images of an index that are asked for inline records. */
const mostImages = 8

/** Opens the cache; nothing is asked yet. */
export function registryPlace(cache: RegistryCache, deps: TransferDeps): CacheWriter {
  const { registry, repository, tag } = cache
  const where = { registry, repository }
  const find = (reference: string, scope: Scope): Promise<Document | undefined> =>
    unlessMissing(deps.registry.manifest(where, reference, scope))
  const images: CacheReader['images'] = async (scope) => {
    const top = await find(tag, scope)
    if (top === undefined) return []
    const parsed = parseManifestOrIndex(top.bytes, top.descriptor.mediaType)
    const manifests = isIndex(parsed)
      ? await Promise.all(parsed.manifests.slice(0, mostImages).map(({ digest }) => find(digest, scope)))
      : [top]
    return Promise.all(manifests.flatMap((manifest) => (manifest ? imageOf(manifest, scope) : [])))
  }
  const imageOf = async (manifest: Document, scope: Scope): Promise<Awaited<ReturnType<typeof images>>[number]> => {
    const parsed = parseManifestOrIndex(manifest.bytes, manifest.descriptor.mediaType)
    if (isIndex(parsed) || !isImageConfig(parsed.config.mediaType)) return { config: emptyDocument, layers: [] }
    const bytes = await readSmall(await deps.registry.blob(where, parsed.config, scope), parsed.config)
    return { config: { descriptor: parsed.config, bytes }, layers: parsed.layers }
  }
  // Each once, also by records that are written at the same time: docker's registry writes the link to a blob again with every
  // upload, and refuses manifests that name the blob meanwhile.
  const pushed = new Map<string, Promise<unknown>>()
  const putBlob: CacheWriter['putBlob'] = async ({ descriptor, bytes }, scope) => {
    const open = (): Readable => Readable.from([bytes], { objectMode: false })
    const push =
      pushed.get(descriptor.digest) ?? deps.registry.pushBlob(where, { descriptor, mountFrom: [], open }, scope)
    pushed.set(descriptor.digest, push)
    await push
  }
  return {
    ...namesOf(cache),
    find: (key, scope) => find(recordTag(tag, key), scope),
    images,
    putLayer: async (layer, packing, scope) => {
      const blob = await portableForm(layer, outgoingLayer(packing), { deps, scope })
      await pushLayer({ diffId: layer.diffId, blob }, { reference: where, deps, scope })
      return blob
    },
    putBlob,
    putRecord: async (key, document, scope) => {
      await putBlob(emptyDocument, scope)
      await deps.registry.pushManifest(where, recordTag(tag, key), document, scope)
    },
    finish: () => Promise.resolve(),
  }
}

/** A layer by itself, as part of an image without a base. */
export function outgoingLayer(packing: CacheLayerPacking): Parameters<typeof portableForm>[1] {
  return { image: { config: { raw: {} }, layers: [], annotations: {} }, packing }
}

type CacheLayerPacking = Parameters<CacheWriter['putLayer']>[1]

function isImageConfig(mediaType: string): boolean {
  return mediaType === mediaTypes.ociConfig || mediaType === mediaTypes.dockerConfig
}

async function unlessMissing(asked: Promise<Document>): Promise<Document | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof WherryError && error.details?.['status'] === 404) return undefined
    throw error
  }
}
