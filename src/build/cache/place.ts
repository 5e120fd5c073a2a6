/** Where shared step records are: a repository of a registry, or an OCI layout in a folder. */
import type { Digest } from '../../core/digest.ts'
import { isCancelled } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Document, Layer } from '../../oci/image.ts'
import { familiarReference } from '../../oci/reference.ts'
import { layoutSource } from '../../transfer/fetch.ts'
import type { Packing } from '../../transfer/portable.ts'
import type { CacheLocation } from '../contract.ts'
import { type SharedRecord, readRecordDocument } from './record.ts'

/** What a cache is called in messages, and as a source of layers. */
export function namesOf(at: CacheLocation): Pick<CacheReader, 'label' | 'source'> {
  if (at.kind === 'layout') return { label: at.folder, source: layoutSource(at.folder) }
  const { registry, repository, tag } = at
  return { label: familiarReference({ registry, repository, tag }), source: `${registry}/${repository}` }
}

/** A cache as it is read. */
export interface CacheReader {
  /** For messages. */
  readonly label: string
  /** Where its blobs are, as a source of layers (see `LayerRecord.sources`). */
  readonly source: string
  /** The manifest of a key's record, or undefined. @throws WherryError `registry`, `auth-failed`, `network`, `io` */
  find(key: Digest, scope: Scope): Promise<Document | undefined>
  /** Configs of the images that bear the cache's name, for inline records, each with its manifest's layers. */
  images(scope: Scope): Promise<readonly { readonly config: Document; readonly layers: readonly Descriptor[] }[]>
}

/** A cache as it is written. Everything may be called at once and again; records are named after what they name is there. */
export interface CacheWriter extends CacheReader {
  /** Makes sure that a layer is there, in the form that `packing` asks for, which is returned. */
  putLayer(layer: Layer, packing: Packing, scope: Scope): Promise<Descriptor>
  /** Makes sure that a blob is there. */
  putBlob(document: Document, scope: Scope): Promise<void>
  /** Names the record of a key. */
  putRecord(key: Digest, document: Document, scope: Scope): Promise<void>
  /** Called once, after the last one. */
  finish(): Promise<void>
}

/**
 * The record that a place has of a key. One that cannot be read is none: it is to be written, and whatever is wrong with the
 * whole place shows then.
 * @throws WherryError `cancelled`
 */
export async function knownRecord(key: Digest, place: CacheReader, scope: Scope): Promise<SharedRecord | undefined> {
  try {
    const document = await place.find(key, scope)
    return document && readRecordDocument(key, document)
  } catch (error) {
    if (isCancelled(error) || scope.signal.aborted) throw error
    return undefined
  }
}
