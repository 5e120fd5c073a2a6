/** Layer blobs into the store, from the registries that were seen to hold them. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Readable, Transform, pipeline } from 'node:stream'
import { type Digest, hexOf } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import { ifStillThere } from '../core/if-there.ts'
import type { Scope } from '../core/scope.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Layer } from '../oci/image.ts'
import { compressionOf } from '../oci/media-types.ts'
import type { Repository } from '../registry/contract.ts'
import type { LayerRecord, Store } from '../store/contract.ts'
import type { TransferDeps } from './deps.ts'
import { layoutPath } from './layout-files.ts'
import { logTransfer, transferAll } from './progress.ts'

/** Fetches under way per store: two steps that need one layer fetch it once. */
const underway = new WeakMap<Store, Map<Digest, Promise<Descriptor>>>()

/** Makes a blob of every layer present, several at a time; which form each has. @throws as `fetchLayer` */
export async function fetchLayers(
  layers: readonly Pick<Layer, 'diffId'>[],
  deps: TransferDeps,
  scope: Scope,
): Promise<Descriptor[]> {
  return await transferAll(layers, { deps, scope }, (layer, inner) => fetchLayer(layer.diffId, deps, inner))
}

/**
 * Makes a blob of the layer present in one of its known forms and returns that form.
 * @throws WherryError `blob-missing` if nobody is known to hold it, else the last source's error
 */
export async function fetchLayer(diffId: Digest, deps: TransferDeps, scope: Scope): Promise<Descriptor> {
  const fetches = underway.get(deps.store) ?? new Map<Digest, Promise<Descriptor>>()
  underway.set(deps.store, fetches)
  const started = fetches.get(diffId)
  if (started) return await started
  const fetching = fetchNow(diffId, deps, scope)
  fetches.set(diffId, fetching)
  try {
    return await fetching
  } finally {
    fetches.delete(diffId)
  }
}

async function fetchNow(diffId: Digest, deps: TransferDeps, scope: Scope): Promise<Descriptor> {
  const record = await deps.store.layers.get(diffId)
  const present = record && (await presentForm(record, deps.store))
  if (present) return present
  let failure: unknown = missingLayer(diffId)
  for (const source of record ? sourcesOf(record) : []) {
    try {
      await fetchBlob(source, { deps, scope })
      return source.form
    } catch (error) {
      if (scope.signal.aborted) throw error
      failure = error
    }
  }
  throw lostLayer(diffId, failure)
}

/** The error for a layer that cannot be had, from what the last source said; `details.layer` names it. */
export function lostLayer(diffId: Digest, cause: unknown): unknown {
  if (!(cause instanceof WherryError) || cause.code === 'cancelled') return cause
  const { code, message, hint, details } = cause
  return new WherryError(code, message, {
    ...(hint !== undefined && { hint }),
    details: { ...details, layer: diffId },
    cause,
  })
}

/** The first form whose blob is in the store, plain ones before compressed ones. */
export async function presentForm(record: LayerRecord, store: Pick<Store, 'blobs'>): Promise<Descriptor | undefined> {
  const isPacked = (form: Descriptor): number => Number(compressionOf(form.mediaType) !== 'none')
  for (const form of [...record.forms].sort((a, b) => isPacked(a) - isPacked(b))) {
    if ((await store.blobs.sizeOf(form.digest)) === form.size) return form
  }
  return undefined
}

/** The scheme of a source that is an OCI layout in a folder, in the place of a registry's name. */
const layoutScheme = 'oci-layout:'

/** An OCI layout as a source of layers (see `LayerRecord.sources`); `folder` is an absolute path. */
export function layoutSource(folder: string): string {
  return `${layoutScheme}${folder}`
}

/** The bytes of a form from `start` (or 0) on, from where it was seen. @throws WherryError `blob-missing`, or the registry's error */
export async function openSource(
  { form, repository }: LayerSource,
  { registry, start = 0 }: Pick<TransferDeps, 'registry'> & { readonly start?: number },
  scope: Scope,
): Promise<Readable> {
  if (repository.registry !== layoutScheme) return registry.blob(repository, form, scope, start)
  const path = join('/', repository.repository, layoutPath(form.digest))
  if ((await ifStillThere(stat(path))) !== undefined) return createReadStream(path, { start })
  throw new WherryError('blob-missing', `the folder /${repository.repository} has no blob ${form.digest} any more`)
}

/** A form of a layer, and where it can be fetched. */
export interface LayerSource {
  readonly form: Descriptor
  readonly repository: Repository
}

/** The form that `fetchLayer` would ask for first; undefined if one is present, or nobody is known to hold any. */
export async function formToCome(
  diffId: Digest,
  { store }: Pick<TransferDeps, 'store'>,
): Promise<Descriptor | undefined> {
  const record = await store.layers.get(diffId)
  if (record === undefined || (await presentForm(record, store)) !== undefined) return undefined
  return sourcesOf(record)[0]?.form
}

/** Where the forms of a layer can be fetched. */
export function sourcesOf(record: LayerRecord): LayerSource[] {
  return record.sources.flatMap(({ repository, digest }) => {
    const form = record.forms.find((f) => f.digest === digest)
    return form ? [{ form, repository: parseRepository(repository) }] : []
  })
}

/** The parts of `registry/repository`. */
export function parseRepository(name: string): Repository {
  const slash = name.indexOf('/')
  return { registry: name.slice(0, slash), repository: name.slice(slash + 1) }
}

async function fetchBlob(
  from: LayerSource,
  { deps, scope }: { readonly deps: TransferDeps; readonly scope: Scope },
): Promise<void> {
  const { form } = from
  const subject = hexOf(form.digest).slice(0, 12)
  await logTransfer({ id: `pull ${form.digest}`, kind: 'pull', subject, total: form.size }, scope, async ({ at }) => {
    const before = await deps.store.blobs.receive(form, async (start) => {
      const source = await openSource(from, { registry: deps.registry, start }, scope)
      // The reader sees the error of either stream.
      return pipeline(source, byteCounter(start, at), () => undefined)
    })
    return { outcome: 'done', bytes: form.size - before, value: undefined }
  })
}

/** Passes bytes on and tells how many there were, those before it included. */
function byteCounter(start: number, at: (bytes: number) => void): Transform {
  let bytes = start
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      at(bytes)
      done(null, chunk)
    },
  })
}

/** The error for a layer of which the store has no bytes and knows no source. */
export function missingLayer(diffId: Digest): WherryError {
  return new WherryError(
    'blob-missing',
    `the store has no blob of the layer ${diffId}, and knows no registry that has one`,
    {
      hint: 'Pull the image again, or build it again with --no-cache.',
    },
  )
}
