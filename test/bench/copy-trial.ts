/**
 * Times snapshots that are copies, inside a namespace: unpacks a layer (argument 1) into a folder (argument 2), then makes drafts
 * of it and looks for their changes, as often as argument 3 says. Prints milliseconds as JSON.
 */
import { createReadStream } from 'node:fs'
import { unpackLayer } from '../../src/layer/unpack.ts'
import { createSnapshotter } from '../../src/rootfs/snapshotter.ts'

const [, , blob = '', folder = '', times = '5'] = process.argv
const snapshots = await createSnapshotter('copy', folder)
const chainId = `sha256:${'0'.repeat(64)}` as const
const first = await snapshots.begin([])
const never = new AbortController().signal
await unpackLayer(
  { blobPath: createReadStream(blob), applier: first.applier({ owners: process.getuid?.() === 0 }) },
  never,
)
await snapshots.commit(first, chainId)

const drafts: number[] = []
const changes: number[] = []
for (let run = 0; run < Number(times); run++) {
  const started = performance.now()
  const draft = await snapshots.begin([chainId])
  const mounted = await draft.mount()
  const ready = performance.now()
  await mounted.unmount()
  if ([...draft.changes({ excluded: [] })].length > 0) throw new Error('a copy differs')
  drafts.push(ready - started)
  changes.push(performance.now() - ready)
  await draft.discard()
}
await snapshots.remove(chainId)
process.stdout.write(`${JSON.stringify({ drafts, changes })}\n`)
