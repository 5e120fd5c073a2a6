/** Results of steps -> the image: config, history and layers. */
import type { Digest } from '../core/digest.ts'
import { digestOf } from '../core/digest.ts'
import { canonicalJson, type Json } from '../core/json.ts'
import { type HistoryEntry, type ImageConfig, diffIdsOf, historyOf, withField } from '../oci/config.ts'
import type { Image, Layer } from '../oci/image.ts'
import type { PlannedImage } from '../plan/contract.ts'
import type { StepResult } from './engine.ts'

/** What assembling needs to know. */
export interface Parts {
  result(id: Digest): Promise<StepResult>
  /** The layer of a step, as a blob. */
  layer(diffId: Digest): Promise<Layer>
  /** When this very image was first made, ISO 8601; for images of metadata only, so that building again gives the same one. */
  firstMade(key: Digest): Promise<string>
}

/** The image of a plan's target. */
export async function assemble(planned: PlannedImage, parts: Parts): Promise<Image> {
  const baseLayers = planned.base?.layers ?? []
  const made: Layer[] = []
  const history: HistoryEntry[] = []
  let created = await startTime(planned, parts)
  let last = created
  for (const { entry, step } of planned.history) {
    const result = step === undefined ? undefined : await parts.result(step)
    created = result?.createdAt ?? created
    const line = { created, ...entry }
    last = line.created
    history.push(result === undefined ? { ...line, empty_layer: true } : line)
    if (result !== undefined) made.push(await parts.layer(result.diffId))
  }
  const config = finishConfig(planned.config, { history, made, created: last })
  return { config, layers: [...baseLayers, ...made], annotations: {} }
}

/** The time of entries before the first step: when this metadata was first built on this base. */
async function startTime(planned: PlannedImage, parts: Parts): Promise<string> {
  const first = planned.history.find((h) => h.step !== undefined)?.step
  const ofBase = historyOf(planned.config).at(-1)?.created
  // Nothing was made: the image is as old as its base.
  if (planned.history.length === 0 && ofBase !== undefined) return ofBase
  if (first !== undefined) return (await parts.result(first)).createdAt
  const entries = planned.history.map((h) => h.entry.created_by ?? '')
  return parts.firstMade(digestOf(canonicalJson({ kind: 'image', config: planned.config.raw, entries })))
}

function finishConfig(
  config: ImageConfig,
  { history, made, created }: { history: readonly HistoryEntry[]; made: readonly Layer[]; created: string },
): ImageConfig {
  const withHistory = withField(config, 'history', [...historyOf(config), ...history] as unknown as Json)
  const diffIds = [...diffIdsOf(config), ...made.map((l) => l.diffId)]
  return withField(withField(withHistory, 'rootfs', { type: 'layers', diff_ids: diffIds }), 'created', created)
}
