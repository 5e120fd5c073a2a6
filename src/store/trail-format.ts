/** The text of a trail; pure. */
import { isDigest } from '../core/digest.ts'
import { type Json, type JsonObject, isJsonObject } from '../core/json.ts'
import { checkConfig } from '../oci/config.ts'
import { parseDescriptor } from '../oci/descriptor.ts'
import { type Layer, descriptorJson } from '../oci/image.ts'
import type { StepTrail } from '../oci/steps.ts'
import { versions } from './formats.ts'

/** The text of a trail's record. What is the same after a step as before it is written once. */
export function formatTrail({ id, config, layers, from, runtimes }: StepTrail): string {
  let last = ''
  const changes = runtimes.map((runtime): Json => {
    const text = JSON.stringify(runtime)
    const isSame = text === last
    last = text
    return isSame ? null : runtime
  })
  return JSON.stringify({
    version: versions.trail,
    id,
    config: config.raw,
    layers: layers.map(({ diffId, blob }) => ({ diffId, blob: descriptorJson(blob) })),
    from,
    runtimes: changes,
  })
}

/** Reads a trail; undefined if it is none of this version. */
export function parseTrail(text: string): StepTrail | undefined {
  try {
    const raw: unknown = JSON.parse(text)
    if (!isJsonObject(raw) || raw['version'] !== versions.trail) return undefined
    const { id, config, layers, from, runtimes } = raw
    if (typeof id !== 'string' || !isDigest(id) || !isJsonObject(config) || typeof from !== 'number') return undefined
    if (!Array.isArray(layers) || !Array.isArray(runtimes)) return undefined
    return {
      id,
      config: checkConfig(config),
      layers: layers.flatMap(readLayer),
      from,
      runtimes: readRuntimes(runtimes as readonly unknown[]),
    }
  } catch {
    // Torn by a crash, or of another program: there is none either way.
    return undefined
  }
}

function readLayer(value: unknown): Layer[] {
  if (!isJsonObject(value)) return []
  const { diffId, blob } = value
  if (typeof diffId !== 'string' || !isDigest(diffId)) return []
  return [{ diffId, blob: parseDescriptor(blob, 'the record of a build') }]
}

function readRuntimes(values: readonly unknown[]): JsonObject[] {
  let last: JsonObject = {}
  return values.map((value) => (last = isJsonObject(value) ? value : last))
}
