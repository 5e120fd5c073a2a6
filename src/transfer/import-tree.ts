/** `import`: an image of one layer from the tar of a file system. */
import { rm } from 'node:fs/promises'
import { type BytePath, fromText, toText } from '../core/bytepath.ts'
import type { Digest } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import type { SealItem } from '../layer/contract.ts'
import { type ImageConfig, appendHistory, withField } from '../oci/config.ts'
import type { Entry } from '../oci/contents.ts'
import { type Image, configDocument, manifestDocument } from '../oci/image.ts'
import { layerTypeOf } from '../oci/media-types.ts'
import { mergeLayers } from '../oci/tree-merge.ts'
import type { LayerDeps } from './layer-access.ts'

import { linkedItems, walk } from '../oci/walk.ts'

/** What to import. */
export interface ImportRequest {
  /** A tar in any compression; absolute. */
  readonly file: string
  /** For messages: the file or URL as it was given. */
  readonly label: string
  /** Of an image without layers. */
  readonly config: ImageConfig
  readonly message: string
  /** ISO 8601. */
  readonly created: string
  /** Full references. */
  readonly names: readonly string[]
}

/** The image made. */
export interface Imported {
  readonly id: Digest
  readonly manifest: Digest
}

/**
 * Reads the archive, writes its entries as a layer (names clean, folders before what they hold, of a name that is there twice the
 * last) and stores the image. The same archive, config and time give the same image.
 * @throws WherryError `archive-invalid`, `archive-unsupported`, `usage` for an archive of images, `cancelled`
 */
export async function importTree(request: ImportRequest, deps: LayerDeps, scope: Scope): Promise<Imported> {
  const { store, pool } = deps
  await store.sweep()
  const paths = {
    spoolPath: store.tempPath('import'),
    tarPath: store.tempPath('layer.tar'),
    contentsPath: store.tempPath('layer.contents'),
  }
  const { spoolPath, tarPath, contentsPath } = paths
  const lease = await store.lease()
  try {
    const entries = await pool.run('spool', { path: fromText(request.file), spoolPath }, scope)
    if (entries === undefined) {
      throw new WherryError('archive-invalid', `${request.label} is no tar archive`, {
        hint: 'It may be compressed with gzip, bzip2, xz or zstd.',
      })
    }
    refuseImages(entries, request.label)
    const items = itemsOf(entries, fromText(spoolPath), { label: request.label, scope })
    const { diffId, size } = await pool.run('seal', { items, tarPath, contentsPath }, scope)
    const blob = { mediaType: layerTypeOf('none'), digest: diffId, size }
    await store.blobs.adopt(tarPath, blob)
    await store.layers.adoptContents(diffId, contentsPath)
    await store.layers.note({ diffId, size, forms: [blob], fidelity: 'exact' })
    return await putImage(request, { diffId, blob }, deps)
  } finally {
    for (const path of Object.values(paths)) await rm(path, { force: true })
    await lease.release()
  }
}

async function putImage(
  { config, message, created, names }: ImportRequest,
  layer: Image['layers'][number],
  { store }: LayerDeps,
): Promise<Imported> {
  const line = { created, ...(message === '' ? {} : { comment: message }) }
  const image: Image = {
    config: appendHistory(withField(config, 'created', created), line, layer.diffId),
    layers: [layer],
    annotations: {},
  }
  const document = configDocument(image)
  const manifest = manifestDocument(image, { config: document.descriptor })
  const { digest: id } = document.descriptor
  await store.images.put({ id, manifest: manifest.descriptor, documents: [document, manifest] }, names)
  return { id, manifest: manifest.descriptor.digest }
}

/** Someone who imports what `save` wrote would get an image with a few JSON files. */
function refuseImages(entries: readonly Entry[], label: string): void {
  const has = (path: BytePath): boolean => entries.some((entry) => entry.path === path)
  const isLayout = has('oci-layout') && has('index.json')
  const isDocker = has('manifest.json') && entries.some(({ path }) => /^[0-9a-f]{64}(\.json|\/layer\.tar)$/.test(path))
  if (!isLayout && !isDocker) return
  throw new WherryError('usage', `${label} is an archive of images, not of a file system`, {
    hint: 'Use `wherry load`.',
  })
}

function itemsOf(
  entries: readonly Entry[],
  spool: BytePath,
  { label, scope }: { readonly label: string; readonly scope: Scope },
): SealItem[] {
  const isMark = ({ path }: Entry): boolean => /(^|\/)\.wh\.[^/]*$/.test(path)
  const marks = entries.filter(isMark).length
  if (marks > 0) {
    const message = `${marks} names in ${label} that begin with .wh. were left out: in a layer they would delete files`
    scope.emit({ type: 'warning', message })
  }
  // Empty files lie at one place of the spool file: each gets a number of its own to be told by.
  const numbered = entries.map((entry, number) => (entry.type === 'file' ? { ...entry, offset: number } : entry))
  const tree = mergeLayers([numbered.filter((entry) => !isMark(entry))])
  const root = tree.layerOf('') === undefined ? undefined : tree.lookup('')
  const merged = [...(root === undefined ? [] : [root]), ...walk(tree, '')]
  const items = merged.map((entry): SealItem => {
    if (entry.type === 'hardlink') throw danglingLink(entry, label)
    if (entry.type !== 'file') return { entry }
    const { offset = 0, ...rest } = entry
    return { entry: rest, source: { path: spool, offset: entries[offset]!.offset ?? 0 } }
  })
  return linkedItems(items, (path) => tree.lookup(path)?.offset?.toString())
}

function danglingLink({ path, link = '' }: Entry, label: string): WherryError {
  const what = `"${toText(path)}" is a hard link to "${toText(link)}", which is not there`
  return new WherryError('archive-invalid', `${label}: ${what}`)
}
