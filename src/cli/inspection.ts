/** What `wherry inspect` shows of an image: docker's fields, and the documents. */
import { stringArray } from '../core/json.ts'
import { historyOf, platformOf } from '../oci/config.ts'
import { descriptorJson } from '../oci/image.ts'
import { formatPlatform } from '../oci/platform.ts'
import { familiarReference, familiarRepository, parseReference } from '../oci/reference.ts'
import type { SnapshotPlace } from '../store/snapshot-folders.ts'
import type { ImageFacts } from './image-facts.ts'

/** The object for an image. `snapshot` says where its root file system is unpacked, if it is. */
export function imageInspection(facts: ImageFacts, snapshot: SnapshotPlace | undefined, parent: string): object {
  const { image, manifest, config, layers, size, created, members } = facts
  const { raw } = config
  const text = (key: string): string => (typeof raw[key] === 'string' ? raw[key] : '')
  return {
    Id: image.id,
    RepoTags: image.names.map((name) => familiarReference(parseReference(name))),
    RepoDigests: image.repoDigests.map(familiarDigest),
    Parent: parent,
    Comment: historyOf(config).at(-1)?.comment ?? '',
    Created: created ?? '',
    DockerVersion: text('docker_version'),
    Author: text('author'),
    Config: raw['config'] ?? {},
    Architecture: text('architecture'),
    ...(raw['variant'] === undefined ? {} : { Variant: raw['variant'] }),
    Os: text('os'),
    Size: size,
    GraphDriver: graphDriver(snapshot),
    RootFS: { Type: 'layers', Layers: layers.map((layer) => layer.diffId) },
    Metadata: { LastTagTime: image.storedAt, StoredAt: image.storedAt },
    Platform: formatPlatform(platformOf(config)),
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

/** `debian@sha256:…` of a full digest reference. */
export function familiarDigest(repoDigest: string): string {
  const reference = parseReference(repoDigest)
  return `${familiarRepository(reference)}@${reference.digest ?? ''}`
}

/** As docker has it: of an overlay the folder of the top layer and those below it, of a whole copy the one folder. */
function graphDriver(snapshot: SnapshotPlace | undefined): object {
  if (snapshot === undefined) return { Name: '', Data: null }
  const { driver, folders } = snapshot
  const [top = '', ...lower] = folders
  const lowers = driver === 'overlay' && lower.length > 0 ? { LowerDir: lower.join(':') } : {}
  return { Name: driver, Data: { ...lowers, UpperDir: top } }
}
