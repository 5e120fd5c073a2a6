/** A process that uses a store until it is done or killed: `store-child <root> <seed> <rounds>`. */
import { digestOf } from '../../src/core/digest.ts'
import { openStore } from '../../src/store/store.ts'
import { putTiny } from './images.ts'

const [root = '', seed = '', rounds = '1'] = process.argv.slice(2)
const store = await openStore(root)
await store.sweep()
const lease = await store.lease()
process.stdout.write('started\n')
for (let i = 0; i < Number(rounds); i++) {
  const shared = Buffer.alloc(200_000, `shared ${i % 10}`)
  const own = Buffer.alloc(200_000, `${seed} ${i}`)
  const [{ digest }] = await Promise.all([store.blobs.write(own), store.blobs.write(shared)])
  await lease.hold(digest)
  const record = { fidelity: 'exact', description: `RUN ${i}`, createdAt: new Date(0).toISOString() } as const
  await store.steps.put(digestOf(`${seed} ${i}`), { ...record, diffId: digest })
  await store.layers.note({ diffId: digest, forms: [], sources: [{ repository: 'localhost/x', digest }] })
  await putTiny(store, `${seed} ${i}`, [`docker.io/library/${seed}:${i}`, 'docker.io/library/contested:latest'])
}
await lease.release()
