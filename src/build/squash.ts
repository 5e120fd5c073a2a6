/** `--squash`: the layers above the base as one. */
import type { BytePath } from '../core/bytepath.ts'
import type { Digest } from '../core/digest.ts'
import type { Json } from '../core/json.ts'
import type { SealItem } from '../layer/contract.ts'
import { type HistoryEntry, historyOf, withField } from '../oci/config.ts'
import type { ContentsList, Entry } from '../oci/contents.ts'
import type { Image, Layer } from '../oci/image.ts'
import { layerTypeOf } from '../oci/media-types.ts'
import { type MergedTree, mergeLayers } from '../oci/tree-merge.ts'
import type { TreeView } from '../oci/tree.ts'
import { linkedItems, walk } from '../oci/walk.ts'
import type { Session } from './engine.ts'
import { inheritedFidelity, layerFiles, publishLayer } from './publish.ts'
import type { BasePart } from './rewrite.ts'

/** The image with one layer above its base, and a history entry that says so; unchanged if there is at most one anyway. */
export async function squash(image: Image, base: BasePart, session: Session): Promise<Image> {
  const own = image.layers.slice(base.layers)
  if (own.length < 2) return image
  const below = image.layers.slice(0, base.layers)
  const layer = await sealTogether(
    own.map((l) => l.diffId),
    below.map((l) => l.diffId),
    session,
  )
  const layers = [...below, layer]
  const diffIds = layers.map((l) => l.diffId)
  const history = historyOf(image.config).map((entry, i) =>
    i < base.history ? entry : { ...entry, empty_layer: true },
  )
  const created = history.at(-1)?.created
  const line: HistoryEntry = { ...(created && { created }), comment: `merge of ${own.length} layers` }
  const config = withField(image.config, 'history', [...history, line] as unknown as Json)
  return { ...image, layers, config: withField(config, 'rootfs', { type: 'layers', diff_ids: diffIds }) }
}

async function sealTogether(own: readonly Digest[], below: readonly Digest[], session: Session): Promise<Layer> {
  const lists = await Promise.all(own.map((diffId) => session.layers.contents(diffId)))
  const merged = mergeLayers(lists)
  const baseTree = await session.layers.tree(below)
  const entries = [...walk(merged, '')].filter((entry) => merged.layerOf(entry.path) !== undefined)
  const root = merged.layerOf('') === undefined ? undefined : merged.lookup('')
  const files = entries.filter((entry) => entry.type === 'file').map((entry) => entry.path)
  const locations = await session.layers.locate(own, files)
  const kept = entries.map((entry) => ({ entry, source: locations.get(entry.path) }))
  const items: SealItem[] = [
    ...(root ? [{ entry: root }] : []),
    ...marksOf(lists, merged, baseTree).map((entry) => ({ entry })),
    ...linkedItems(kept, (path) => identityOf(merged, path)),
  ]
  const outFiles = layerFiles(session)
  const sealed = await session.deps.pool.run('seal', { items, ...outFiles }, session.scope)
  const fidelity = await inheritedFidelity(session, own)
  const { diffId } = await publishLayer(session, sealed, { files: outFiles, fidelity })
  return { diffId, blob: { mediaType: layerTypeOf('none'), digest: diffId, size: sealed.size } }
}

function identityOf(tree: MergedTree, path: BytePath): string | undefined {
  const offset = tree.lookup(path)?.offset
  return offset === undefined ? undefined : `${tree.layerOf(path)}:${offset}`
}

/** What the layers together hide of the base: whiteouts, and opaque folders where something is put in the place of a deleted one. */
export function marksOf(lists: readonly ContentsList[], merged: TreeView, base: TreeView): Entry[] {
  const hidden = new Map<BytePath, Entry>()
  for (const entry of lists.flat()) {
    const { path, type } = entry
    const inBase = base.lookup(path)
    if (inBase === undefined) continue
    if (type === 'whiteout' || type === 'opaque') hidden.set(path, entry)
    // Something else took a folder's place; a folder that comes after it is a new one.
    else if (type !== 'dir' && inBase.type === 'dir') hidden.set(path, { ...entry, type: 'whiteout' })
  }
  const paths = [...hidden.keys()].sort()
  const marks: Entry[] = []
  for (const path of paths) {
    const isBelowMark = marks.some((m) => path.startsWith(m.path === '' ? '' : `${m.path}/`))
    const now = merged.lookup(path)
    if (isBelowMark || (now !== undefined && now.type !== 'dir') || !isReachable(path, merged)) continue
    // Of a mark that is itself gone nothing is left to hide.
    const wasOpaque = hidden.get(path)?.type === 'opaque'
    const type = now === undefined && !wasOpaque ? 'whiteout' : 'opaque'
    marks.push({ path, type, mode: 0, uid: 0, gid: 0, size: 0, mtime: hidden.get(path)?.mtime ?? 0n })
  }
  return marks
}

/** False if something that is no folder stands on the way: it hides all below it. */
function isReachable(path: BytePath, tree: TreeView): boolean {
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    const above = tree.lookup(path.slice(0, slash))
    if (above !== undefined && above.type !== 'dir') return false
  }
  return true
}
