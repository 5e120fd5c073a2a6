/** Facts about layers, by diffID: the forms and sources that were seen, and the contents list. */
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Digest } from '../core/digest.ts'
import { type Descriptor, compressionLevelKey } from '../oci/descriptor.ts'
import { ensureDirectory, publishFile } from '../host/durable.ts'
import { decodeContents } from './contents-codec.ts'
import type { LayerIndex, LayerRecord } from './contract.ts'
import { fileMode, formatLayerRecord, parseLayerRecord, shardedPath } from './formats.ts'
import { type RecordParts, readRecord, writeRecord } from './records.ts'

/** The layer index in a folder. */
export function openLayerIndex(parts: RecordParts): LayerIndex {
  const recordPath = (diffId: Digest): string => shardedPath(parts.dir, diffId, '.json')
  const contentsPath = (diffId: Digest): string => shardedPath(parts.dir, diffId, '.contents')
  const pending = new Map<Digest, Promise<void>>()

  const get: LayerIndex['get'] = async (diffId) => {
    const text = await readRecord(recordPath(diffId), false)
    const record = text && parseLayerRecord(text.toString('utf8'))
    return record?.diffId === diffId ? record : undefined
  }

  const merge = async (facts: Partial<LayerRecord> & { readonly diffId: Digest }): Promise<void> => {
    const old = await get(facts.diffId)
    const merged = formatLayerRecord(mergeLayerRecord(old, facts))
    if (old !== undefined && formatLayerRecord(old) === merged) return
    await writeRecord(recordPath(facts.diffId), merged, parts)
  }

  return {
    get,
    async note(facts) {
      // One after the other within this process. Between processes the last one wins: a lost fact is learned again.
      const before = pending.get(facts.diffId) ?? Promise.resolve()
      const turn = before.catch(() => undefined).then(() => merge(facts))
      pending.set(facts.diffId, turn)
      try {
        await turn
      } finally {
        if (pending.get(facts.diffId) === turn) pending.delete(facts.diffId)
      }
    },
    forget: (diffId) => rm(recordPath(diffId), { force: true }),
    async contents(diffId) {
      const bytes = await readRecord(contentsPath(diffId), false)
      return bytes && decodeContents(bytes)
    },
    contentsPathOf: contentsPath,
    async adoptContents(diffId, tempPath) {
      await ensureDirectory(dirname(contentsPath(diffId)), parts.dirMode)
      await publishFile({ temp: tempPath, path: contentsPath(diffId), mode: fileMode })
    },
  }
}

/** A layer record with new facts: forms and sources united, what is known stays, and `exact` wins over `emulated`. */
export function mergeLayerRecord(
  old: LayerRecord | undefined,
  facts: Partial<LayerRecord> & { readonly diffId: Digest },
): LayerRecord {
  const size = facts.size ?? old?.size
  const contents = facts.contents ?? old?.contents
  const exact = facts.fidelity === 'exact' || (old?.fidelity ?? facts.fidelity ?? 'exact') === 'exact'
  return {
    diffId: facts.diffId,
    ...(size === undefined ? {} : { size }),
    forms: unite(
      [...(old?.forms ?? []), ...(facts.forms ?? []).map(plainForm)],
      (f) => `${f.mediaType} ${f.digest} ${f.annotations?.[compressionLevelKey] ?? ''}`,
    ),
    sources: unite([...(old?.sources ?? []), ...(facts.sources ?? [])], (s) => `${s.repository} ${s.digest}`),
    ...(contents === undefined ? {} : { contents: plainForm(contents) }),
    fidelity: exact ? 'exact' : 'emulated',
  }
}

/** A form without what belongs to one manifest only. */
function plainForm({ mediaType, digest, size, urls, annotations }: Descriptor): Descriptor {
  const level = annotations?.[compressionLevelKey]
  return {
    mediaType,
    digest,
    size,
    ...(urls && { urls }),
    ...(level === undefined ? {} : { annotations: { [compressionLevelKey]: level } }),
  }
}

function unite<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()]
}
