/** The whole way: from the machine's programs to an image in a real store, its layer read by tar. */
import { mkdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { SealItems } from '../../src/base/base-image.ts'
import { makeHostBase } from '../../src/base/host-base.ts'
import { quietScope } from '../../src/core/scope.ts'
import { sealLayer } from '../../src/layer/seal.ts'
import { parseManifestOrIndex } from '../../src/oci/image.ts'
import { openStore } from '../../src/store/store.ts'
import { lacks, missingTools } from '../support/need.ts'
import { tempDir } from '../support/temp.ts'
import { run } from '../support/tools.ts'

const seal: SealItems = (items, to) => Promise.resolve(sealLayer({ items, ...to }))

test.skipIf(lacks('tools', missingTools('tar')))(
  'the image has one layer, a shell as command, and the same bytes each time',
  async () => {
    const dir = tempDir()
    const made = []
    for (const name of ['one', 'two']) {
      mkdirSync(join(dir, name))
      const store = await openStore(join(dir, name))
      const result = await makeHostBase(
        { names: [], tags: ['docker.io/test/base:latest'] },
        { store, seal },
        quietScope(),
      )
      made.push({ store, result })
    }
    const [{ store, result }, again] = made as [(typeof made)[0], (typeof made)[0]]
    expect(again.result).toEqual(result)

    const image = await store.images.resolve('test/base')
    expect(image.id).toBe(result.id)
    const manifest = parseManifestOrIndex(await readFile(store.blobs.pathOf(image.manifest.digest)), undefined)
    if (!('layers' in manifest)) throw new Error('not a manifest')
    const listing = run('tar', '--numeric-owner', '-tvf', store.blobs.pathOf(manifest.layers[0]!.digest))
    expect(listing).toMatch(/^drwxrwxrwt 0\/0 .* tmp\/$/m)
    expect(listing).toMatch(/etc\/passwd$/m)
    expect(listing).toMatch(/bin\/sh/)
    const config = JSON.parse(await readFile(store.blobs.pathOf(result.id), 'utf8')) as { config: object }
    expect(config.config).toMatchObject({ Cmd: ['sh'] })
  },
)
