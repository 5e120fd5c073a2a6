/** Layers that registries do not distribute: their manifest says where they are, and a push leaves them there. */
import { expect, test } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import { quietScope } from '../../src/core/scope.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { openStore } from '../../src/store/store.ts'
import { pushLayer } from '../../src/transfer/push.ts'
import { useFaultyRegistry } from '../support/faulty-registry.ts'
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
