/** `wherry inspect`: images as JSON, with docker's field names. */
import { type WherryError, asWherryError } from '../../core/errors.ts'
import { stringArray } from '../../core/json.ts'
import { historyOf } from '../../oci/config.ts'
import { descriptorJson } from '../../oci/image.ts'
import { familiarReference, familiarRepository, parseReference } from '../../oci/reference.ts'
import { defineCommand } from '../command.ts'
import { formatObjects } from '../format.ts'
import { type ImageFacts, readImageFacts } from '../image-facts.ts'
import { noteLine, printLine } from '../io.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE...',
  arguments: [1, Infinity],
  options: {
    format: { kind: 'string', short: 'f', value: 'FORMAT', help: '"json", or a template such as "{{.Config.User}}"' },
    type: { kind: 'string', choices: ['image'], help: 'Kind of object' },
  },
  examples: [["wherry inspect -f '{{json .Config.Env}}' me/app", 'One field']],
  run: async ({ options, args }, io) => {
    const store = await openStoreFor(options, io)
    const objects: object[] = []
    const missing: WherryError[] = []
    for (const query of args) {
      try {
        objects.push(inspection(await readImageFacts(store, await store.images.resolve(query))))
      } catch (error) {
        missing.push(asWherryError(error))
      }
    }
    if (options.format === undefined) printLine(io, JSON.stringify(objects, null, 4))
    else io.stdout.write(formatObjects(objects, options.format))
    for (const error of missing) noteLine(io, `ERROR: ${error.message} [${error.code}]`)
    return missing.length === 0 ? 0 : 1
  },
})

function inspection({ image, manifest, config, layers, size, created, members }: ImageFacts): object {
  const { raw } = config
  return {
    Id: image.id,
    RepoTags: image.names.map((name) => familiarReference(parseReference(name))),
    RepoDigests: image.repoDigests.map((text) => {
      const reference = parseReference(text)
      return `${familiarRepository(reference)}@${reference.digest ?? ''}`
    }),
    Comment: historyOf(config).at(-1)?.comment ?? '',
    Created: created ?? '',
    Author: typeof raw['author'] === 'string' ? raw['author'] : '',
    Config: raw['config'] ?? {},
    Architecture: raw['architecture'],
    ...(raw['variant'] === undefined ? {} : { Variant: raw['variant'] }),
    Os: raw['os'],
    Size: size,
    RootFS: { Type: 'layers', Layers: layers.map((layer) => layer.diffId) },
    Metadata: { StoredAt: image.storedAt },
    Descriptor: descriptorJson(image.manifest),
    ...(members && { Manifests: members.map(descriptorJson) }),
    Manifest: {
      mediaType: manifest.mediaType,
      layers: manifest.layers.map(descriptorJson),
      annotations: manifest.annotations,
    },
    ...(stringArray(raw['os.features']) ? { OsFeatures: raw['os.features'] } : {}),
  }
}
