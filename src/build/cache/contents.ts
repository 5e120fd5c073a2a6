/** Contents lists of layers that are elsewhere: fetched by themselves, so that a layer's files can be reasoned about without it. */
import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { type Digest, digestOf } from '../../core/digest.ts'
import type { Scope } from '../../core/scope.ts'
import { readSmall } from '../../transfer/documents.ts'
import { openSource, parseRepository } from '../../transfer/fetch.ts'
import type { BuildDeps } from '../deps.ts'

const unpack = promisify(gunzip)

/** A longer list is none of ours, in bytes. */
const longestList = 256 << 20

/** Puts the contents list of a layer into the store, if a source of the layer has it; if not, the layer itself must be read. */
export async function fetchContents(diffId: Digest, deps: BuildDeps, scope: Scope): Promise<void> {
  const { store } = deps
  const { contents: form, sources = [] } = (await store.layers.get(diffId)) ?? {}
  if (form === undefined) return
  for (const source of sources) {
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
