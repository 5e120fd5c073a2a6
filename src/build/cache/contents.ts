/** Contents lists of layers that are elsewhere: fetched by themselves, so that a layer's files can be reasoned about without it. */
import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { type Digest, digestOf } from '../../core/digest.ts'
import type { Scope } from '../../core/scope.ts'
import type { LayerIndex } from '../../store/contract.ts'
import { readSmall } from '../../transfer/documents.ts'
import { openSource, parseRepository, presentForm } from '../../transfer/fetch.ts'
import type { BuildDeps } from '../deps.ts'
import type { SharedCache } from './shared-cache.ts'

const unpack = promisify(gunzip)

/** A longer list is none of ours, in bytes. */
const longestList = 256 << 20

/** A layer index that has also the contents lists of layers that are not here, if the caches have them. */
export function withSharedLists(
  { deps, findList }: { readonly deps: BuildDeps; readonly findList: SharedCache['findList'] },
  scope: Scope,
): LayerIndex {
  const { layers } = deps.store
  const contents: LayerIndex['contents'] = async (diffId) => {
    const own = await layers.contents(diffId)
    if (own !== undefined) return own
    const record = await layers.get(diffId)
    if (record !== undefined && (await presentForm(record, deps.store)) !== undefined) return undefined
    if (record?.contents === undefined) await findList(diffId)
    await fetchContents(diffId, deps, scope)
    return layers.contents(diffId)
  }
  return { ...layers, contents }
}

/** Puts the contents list of a layer into the store, if a source has it; if not, the layer itself must be read. */
async function fetchContents(diffId: Digest, deps: BuildDeps, scope: Scope): Promise<void> {
  const { store } = deps
  const { contents: form, sources = [] } = (await store.layers.get(diffId)) ?? {}
  if (form === undefined) return
  // First who is known to have just this blob.
  const likely = [...sources].sort((a, b) => Number(b.digest === form.digest) - Number(a.digest === form.digest))
  for (const source of likely) {
    try {
      const repository = parseRepository(source.repository)
      const packed = await readSmall(await openSource({ form, repository }, deps, scope), form)
      if (digestOf(packed) !== form.digest) continue
      const path = store.tempPath('contents')
      await writeFile(path, await unpack(packed, { maxOutputLength: longestList }))
      await store.layers.adoptContents(diffId, path)
      return
    } catch (error) {
      if (scope.signal.aborted) throw error
      // Not there, or damaged: the layer has it all.
    }
  }
}
