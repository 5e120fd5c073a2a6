/** Stores and small images for the tests of transfers. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRegistryClient } from '../../src/registry/client.ts'
import { openStore } from '../../src/store/store.ts'
import type { TransferDeps } from '../../src/transfer/deps.ts'
import { tinyImage } from '../store/images.ts'
import { tempDir } from '../support/temp.ts'
import { run } from '../support/tools.ts'

/** A store with nothing in it, and a client that does not try twice. */
export async function newDeps(): Promise<TransferDeps> {
  return {
    store: await openStore(tempDir()),
    registry: createRegistryClient({ env: {}, retry: { tries: 1 } }),
  }
}

/** A tar with one file, as a layer. */
function layerTar(text: string): Buffer {
  const dir = tempDir()
  mkdirSync(join(dir, 'root'))
  writeFileSync(join(dir, 'root', 'file'), text.repeat(1000))
  run('tar', '-C', join(dir, 'root'), '--mtime=@0', '--owner=0', '--group=0', '-cf', join(dir, 'layer.tar'), 'file')
  return readFileSync(join(dir, 'layer.tar'))
}

/** An image of one plain layer in the store, as a build leaves it. */
export async function buildTiny(deps: TransferDeps, text: string, name: string): Promise<ReturnType<typeof tinyImage>> {
  const tar = layerTar(text)
  const tiny = tinyImage(tar, text)
  const layer = tiny.image.layers[0]!
  await deps.store.blobs.write(tar)
  await deps.store.layers.note({ diffId: layer.diffId, size: tar.length, forms: [layer.blob], fidelity: 'exact' })
  const { config, manifest } = tiny
  const documents = [config, manifest]
  await deps.store.images.put({ id: config.descriptor.digest, manifest: manifest.descriptor, documents }, [name])
  return tiny
}
