/** The rows of `wherry history`; pure. */
import type { Digest } from '../core/digest.ts'
import { type HistoryEntry, historyOf } from '../oci/config.ts'
import { historyKeys } from '../oci/steps.ts'
import { humanSince, humanSize, rfc3339 } from '../ui/human.ts'
import { fitWidth, oneLine } from '../ui/text.ts'
import type { ImageFacts } from './image-facts.ts'

/** Width of CREATED BY when it is cut. */
const createdByWidth = 45

/** A row with the field names of docker's `--format`. */
export interface HistoryRow {
  readonly Comment: string
  readonly CreatedAt: string
  readonly CreatedBy: string
  readonly CreatedSince: string
  readonly ID: string
  readonly Size: string
}

/** The heading of each field. */
export const historyHeadings: Readonly<Record<keyof HistoryRow, string>> = {
  Comment: 'COMMENT',
  CreatedAt: 'CREATED AT',
  CreatedBy: 'CREATED BY',
  CreatedSince: 'CREATED',
  ID: 'IMAGE',
  Size: 'SIZE',
}

/** How rows look. */
export interface HistoryLook {
  readonly human: boolean
  readonly noTrunc: boolean
  readonly nowMs: number
  /** What was built here, by the keys of `historyKeys`. */
  readonly ids: ReadonlyMap<Digest, Digest>
}

/** The rows of an image, newest first. */
export function historyRows(facts: ImageFacts, look: HistoryLook): HistoryRow[] {
  const entries = historyOf(facts.config)
  const sizes = sizesOf(entries, facts)
  const keys = historyKeys(facts.config)
  const rows = entries.map((entry, i) => {
    const id = i === entries.length - 1 ? facts.image.id : look.ids.get(keys[i]!)
    const createdBy = oneLine(entry.created_by ?? '').replaceAll('\t', ' ')
    const createdAt = rfc3339(entry.created)
    return {
      Comment: entry.comment ?? '',
      CreatedAt: createdAt,
      CreatedBy: look.noTrunc ? createdBy : fitWidth(createdBy, createdByWidth),
      CreatedSince: look.human ? humanSince(entry.created, look.nowMs) : createdAt,
      ID: id === undefined ? '<missing>' : look.noTrunc ? id : id.slice('sha256:'.length).slice(0, 12),
      Size: look.human ? humanSize(sizes[i]!, 3) : String(sizes[i]),
    }
  })
  return rows.reverse()
}

/** Bytes of each entry's layer. Entries that made none are 0; surplus entries of a malformed history too. */
function sizesOf(entries: readonly HistoryEntry[], facts: ImageFacts): number[] {
  let layer = 0
  return entries.map((entry) => (entry.empty_layer === true ? 0 : (facts.layers[layer++]?.size ?? 0)))
}
