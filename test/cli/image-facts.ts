/** Facts of made-up images for tests of rows and filters. */
import { digestOf } from '../../src/core/digest.ts'
import type { ImageFacts, LayerFacts } from '../../src/cli/image-facts.ts'
import { emptyConfig, withRuntime } from '../../src/oci/config.ts'

/** An image that was made at the beginning of 2026. */
export function imageFacts(
  names: readonly string[],
  parts: {
    readonly id?: string
    readonly repoDigests?: readonly string[]
    readonly labels?: Record<string, string>
    readonly layers?: readonly LayerFacts[]
  } = {},
): ImageFacts {
  const empty = emptyConfig({ os: 'linux', architecture: 'amd64' })
  const layers = parts.layers ?? []
  return {
    image: {
      id: digestOf(parts.id ?? 'id'),
      manifest: { mediaType: 'm', digest: digestOf('manifest'), size: 1 },
      names,
      repoDigests: parts.repoDigests ?? [],
      storedAt: '2026-01-01T00:00:00Z',
    },
    manifest: {
      mediaType: 'm',
      config: { mediaType: 'c', digest: digestOf('id'), size: 1 },
      layers: [],
      annotations: {},
      bytes: Buffer.alloc(0),
    },
    config: parts.labels ? withRuntime(empty, 'Labels', parts.labels) : empty,
    layers,
    size: parts.layers === undefined ? 1_234_567 : layers.reduce((sum, layer) => sum + layer.size, 0),
    created: '2026-01-01T00:00:00Z',
  }
}
