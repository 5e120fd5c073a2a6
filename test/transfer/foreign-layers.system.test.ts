/** Layers that registries do not distribute: their manifest says where they are, and a push leaves them there. */
import { createServer } from 'node:http'
import type { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import { quietScope } from '../../src/core/scope.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { openStore } from '../../src/store/store.ts'
import { pushLayer } from '../../src/transfer/push.ts'
import { useFaultyRegistry } from '../support/faulty-registry.ts'
import { blobOf, readAll } from '../support/registries.ts'
import { listen, stop } from '../support/fault-proxy.ts'
import { tempDir } from '../support/temp.ts'

const registry = useFaultyRegistry()

test.each([mediaTypes.dockerForeignLayer, 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'])(
  'a layer of type %s is not pushed',
  async (mediaType) => {
    const deps = { store: await openStore(tempDir()), registry: registry.clientWith() }
    const digest = digestOf('not here')
    const target = { reference: parseReference(`${registry.proxy.address}/app`), deps, scope: quietScope() }
    await pushLayer({ diffId: digest, blob: { mediaType, digest, size: 5 } }, target)
    expect(registry.proxy.seen).toEqual([])
  },
)

test('a layer that the registry does not have is read where its descriptor says, as nobody', async () => {
  const layer = blobOf(300_000, mediaTypes.dockerForeignLayer)
  const asked: (string | undefined)[] = []
  const elsewhere = createServer((request, response) => {
    asked.push(request.headers.authorization)
    response.end(request.url === '/layer' ? layer.bytes : undefined)
  })
  const address = await listen(elsewhere)
  registry.proxy.auth = { kind: 'bearer', username: 'me', password: 'secret' }
  const urls = ['file:///etc/shadow', 'http://169.254.169.254/', 'http://127.0.0.1:1/', `http://${address}/layer`]
  const client = registry.clientWith({ username: 'me', password: 'secret' })
  const read = (more: object): Promise<Readable> =>
    client.blob(registry.at('windows'), { ...layer.descriptor, ...more }, quietScope())
  try {
    expect((await readAll(await read({ urls }))).equals(layer.bytes)).toBe(true)
    expect(asked).toEqual([undefined])
    await expect(read({ urls: urls.slice(0, 2) })).rejects.toThrow(/404/)
    await expect(read({})).rejects.toThrow(/404/)
  } finally {
    await stop(elsewhere)
  }
})
