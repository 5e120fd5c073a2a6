/** The embedded registry and small images for tests of the registry client. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { digestOf } from '../../src/core/digest.ts'
import { quietScope } from '../../src/core/scope.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { type Document, descriptorJson, documentOf } from '../../src/oci/image.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { type RegistryServerOptions, createRegistryServer } from '../../src/registry-server/server.ts'
import type { PushBlob, RegistryClient, Repository } from '../../src/registry/contract.ts'
import { openStore } from '../../src/store/store.ts'

/** A registry with nothing in it. */
export interface TestRegistry {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  readonly failures: unknown[]
  stop(): Promise<void>
}

/** Starts the embedded registry in a folder of its own. */
export async function startEmbeddedRegistry(
  options: Omit<RegistryServerOptions, 'store' | 'onFailure'> = {},
): Promise<TestRegistry> {
  const root = await mkdtemp(join(tmpdir(), 'wherry-registry-'))
  const failures: unknown[] = []
  const store = await openStore(root)
  const server = createRegistryServer({ ...options, store, onFailure: (error) => failures.push(error) })
  const { host, port } = await server.listen({ host: '127.0.0.1', port: 0 })
  return {
    address: `${host}:${port}`,
    failures,
    stop: async () => {
      await server.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** Bytes as a blob to push; `opened` counts the calls of `open`. */
export interface TestBlob extends PushBlob {
  readonly bytes: Buffer
  opened: number
}

/** A blob of random bytes, or of these. */
export function blobOf(content: number | Buffer, mediaType: string = mediaTypes.ociLayer): TestBlob {
  const bytes = typeof content === 'number' ? randomBytes(content) : content
  const blob: TestBlob = {
    bytes,
    descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length },
    mountFrom: [],
    opened: 0,
    open: () => {
      blob.opened++
      return Readable.from(chunksOf(bytes), { objectMode: false })
    },
  }
  return blob
}

function* chunksOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}

/** The manifest of an image with these layers, and its config. */
export function imageOf(layers: readonly Descriptor[]): { manifest: Document; config: TestBlob } {
  const config = blobOf(
    Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        config: {},
        rootfs: { type: 'layers', diff_ids: layers.map((l) => l.digest) },
      }),
    ),
    mediaTypes.ociConfig,
  )
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: descriptorJson(config.descriptor),
    layers: layers.map(descriptorJson),
  }
  return { config, manifest: documentOf(mediaTypes.ociManifest, Buffer.from(JSON.stringify(manifest))) }
}

/** Pushes an image of one random layer under a tag. */
export async function pushTestImage(
  client: RegistryClient,
  repository: Repository,
  tag: string,
  layer: TestBlob = blobOf(1000),
): Promise<{ layer: TestBlob; config: TestBlob; manifest: Document }> {
  const { manifest, config } = imageOf([layer.descriptor])
  await client.pushBlob(repository, layer, quietScope())
  await client.pushBlob(repository, config, quietScope())
  await client.pushManifest(repository, tag, manifest, quietScope())
  return { layer, config, manifest }
}

/** All bytes of a stream. */
export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
