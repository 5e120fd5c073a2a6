/** Media types of manifests, configs and layers, and what each means. OCI image-spec media-types.md; Docker schema 2. */

export const mediaTypes = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerZstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
  dockerForeignLayer: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  schema1: 'application/vnd.docker.distribution.manifest.v1+json',
  schema1Signed: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
} as const

/** How a layer blob is compressed. */
export type Compression = 'none' | 'gzip' | 'zstd'

/** True for an OCI index or a Docker manifest list. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerList
}

/** True for an image manifest, OCI or Docker schema 2. */
export function isManifestType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociManifest || mediaType === mediaTypes.dockerManifest
}

/** True for Docker schema 1, which wherry refuses. */
export function isSchema1Type(mediaType: string): boolean {
  return mediaType === mediaTypes.schema1 || mediaType === mediaTypes.schema1Signed
}

/** True for layers that registries do not distribute (Windows bases). */
export function isForeignLayerType(mediaType: string): boolean {
  return mediaType === mediaTypes.dockerForeignLayer || mediaType.includes('.nondistributable.')
}

/** The compression that a layer's media type names. */
export function compressionOf(mediaType: string): Compression {
  if (mediaType.endsWith('+gzip') || mediaType.endsWith('.gzip')) return 'gzip'
  return mediaType.endsWith('+zstd') || mediaType.endsWith('.zstd') ? 'zstd' : 'none'
}

/** The OCI layer media type for a compression. */
export function layerTypeOf(compression: Compression): string {
  return { none: mediaTypes.ociLayer, gzip: mediaTypes.ociLayerGzip, zstd: mediaTypes.ociLayerZstd }[compression]
}

/** A layer's media type in Docker's words; layers that registries do not distribute keep theirs. */
export function dockerLayerType(mediaType: string): string {
  if (isForeignLayerType(mediaType)) return mediaType
  const types = { none: mediaTypes.dockerLayer, gzip: mediaTypes.dockerLayerGzip, zstd: mediaTypes.dockerLayerZstd }
  return types[compressionOf(mediaType)]
}
