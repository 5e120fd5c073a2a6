/** An image's documents and contents lists -> its part of the report. */
import type { Digest } from '../core/digest.ts'
import { type ImageConfig, diffIdsOf, historyOf, platformOf } from '../oci/config.ts'
import type { ContentsList } from '../oci/contents.ts'
import { formatPlatform } from '../oci/platform.ts'
import type { Change, HistoryLine, ImageReport, LayerReport, Waste } from './contract.ts'
import { stackLayers } from './layers.ts'

/** An image as it lies in the store. */
export interface ImageSource {
  readonly names: readonly string[]
  readonly id: Digest
  readonly config: ImageConfig
  /** Lowest first: the size of each layer in bytes, and what it holds. */
  readonly layers: readonly { readonly size: number; readonly contents: ContentsList }[]
}

/** The report of an image. */
export function imageReport({ names, id, config, layers }: ImageSource): ImageReport {
  const diffIds = diffIdsOf(config)
  const history = historyLines(config, layers.length)
  const { changes, waste, files } = stackLayers(layers.map(({ contents }) => contents))
  const created = config.raw['created']
  return {
    names,
    id,
    platform: formatPlatform(platformOf(config)),
    ...(typeof created === 'string' && { created }),
    size: layers.reduce((sum, { size }) => sum + size, 0),
    files,
    layers: layers.map(({ size }, i) =>
      layerReport({ diffId: diffIds[i]!, size, changes: changes[i]! }, { line: lineOfLayer(history, i), waste, i }),
    ),
    history,
    wasted: sumOf(waste),
    waste: [...waste].sort((a, b) => b.size - a.size),
  }
}

function layerReport(
  layer: Pick<LayerReport, 'diffId' | 'size' | 'changes'>,
  { line, waste, i }: { readonly line: HistoryLine | undefined; readonly waste: readonly Waste[]; readonly i: number },
): LayerReport {
  return {
    ...layer,
    createdBy: line?.createdBy ?? '',
    ...(line?.created !== undefined && { created: line.created }),
    added: countOf(layer.changes, 'A'),
    changed: countOf(layer.changes, 'C'),
    deleted: countOf(layer.changes, 'D'),
    wasted: sumOf(waste.filter((one) => one.layer === i)),
  }
}

function countOf(changes: readonly Change[], mark: Change['mark']): number {
  return changes.reduce((sum, change) => sum + (change.mark === mark ? 1 : 0), 0)
}

function sumOf(waste: readonly Waste[]): number {
  return waste.reduce((sum, { size }) => sum + size, 0)
}

function lineOfLayer(history: readonly HistoryLine[], layer: number): HistoryLine | undefined {
  return history.find((line) => line.layer === layer)
}

/** The history, each entry with its layer. Layers that a malformed history does not tell of have no line. */
function historyLines(config: ImageConfig, layers: number): HistoryLine[] {
  let next = 0
  return historyOf(config).map((entry) => {
    const layer = entry.empty_layer !== true && next < layers ? next++ : undefined
    return {
      createdBy: typeof entry.created_by === 'string' ? entry.created_by : '',
      ...(typeof entry.created === 'string' && { created: entry.created }),
      ...(layer !== undefined && { layer }),
    }
  })
}
