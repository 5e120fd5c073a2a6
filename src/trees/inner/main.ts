/** Entry of the inner process: uid 0 of a namespace, serving trees/ over a pipe until the outer process is gone. */
import { chmodSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { type Mode, controlFd } from '../../host/contract.ts'
import { prepareInner } from '../../host/inner.ts'
import { deadDrafts, settle } from '../../rootfs/shelf.ts'
import { createSnapshotter } from '../../rootfs/snapshotter.ts'
import { bringBackLent } from '../../sandbox/chroot/recover.ts'
import { createSandbox } from '../../sandbox/sandbox.ts'
import type { InnerCalls } from '../client.ts'
import { protocolVersion, serve } from '../rpc.ts'
import type { InnerSetup } from '../setup.ts'
import { containerHandlers } from './containers/handlers.ts'
import { type OpenContainer, sweepTrees } from './containers/open.ts'
import { listCacheMounts, removeCacheMounts } from './cache-list.ts'
import { beginCacheMount, hasCacheMount, sealCacheMount } from './cache-share.ts'
import { runTree } from './run.ts'
import type { Inner } from './state.ts'
import { missingLayers, unpackStack } from './unpack.ts'

const setup = JSON.parse(process.argv[2] ?? '{}') as InnerSetup
if (setup.protocol !== protocolVersion) throw new Error(`inner process of another version: ${setup.protocol}`)
prepareInner(setup.parent)

const inner = await openInner(setup.mode)
// Snapshots that do not get durable are made again after the next boot, which is no reason to fail.
settle(setup.snapshotsDir, Date.now()).catch(() => 0)
const control = new Socket({ fd: controlFd, readable: true, writable: true })
await serve(control, control, {
  missing: async ({ layers }: InnerCalls['missing']) =>
    (await missingLayers(inner, layers)).map((layer) => layer.chainId),
  unpack: (params: InnerCalls['unpack'], { signal }) => unpackStack(inner, params, signal),
  run: (params: InnerCalls['run'], tools) => runTree(inner, params, tools),
  remove: async ({ chainIds }: InnerCalls['remove']) => {
    for (const chainId of chainIds) await inner.snapshots.remove(chainId)
  },
  cacheMounts: () => Promise.resolve(listCacheMounts(inner.mountsDir)),
  removeCacheMounts: ({ names }: InnerCalls['removeCacheMounts']) =>
    Promise.resolve(removeCacheMounts(inner.mountsDir, names)),
  sealCacheMount: (params: InnerCalls['sealCacheMount'], { signal }) => sealCacheMount(inner, params, signal),
  hasCacheMount: ({ id }: InnerCalls['hasCacheMount']) => Promise.resolve(hasCacheMount(inner, id)),
  beginCacheMount: (params: InnerCalls['beginCacheMount'], { signal }) => beginCacheMount(inner, params, signal),
  ...containerHandlers(inner),
})
await inner.sandbox.close()
process.exit(0)

async function openInner(mode: Mode): Promise<Inner> {
  if (mode.kind === 'chroot') openPlainly(setup)
  const snapshots = await createSnapshotter(setup.driver, setup.snapshotsDir, { identities: mode.kind === 'single' })
  const { secretsOnDisk, mountsDir, containersDir } = setup
  sweepTrees(containersDir)
  const sandbox = createSandbox({ mode })
  const draftsDir = join(setup.snapshotsDir, 'drafts')
  const containers = { containersDir, draftsDir, containers: new Map<string, OpenContainer>() }
  return { mode, snapshots, sandbox, secretsOnDisk, mountsDir, ...containers }
}

/** Without a user namespace a setuid program of an image is one of the machine: nobody else must get there. */
function openPlainly({ snapshotsDir, mountsDir, containersDir }: InnerSetup): void {
  for (const dir of [snapshotsDir, mountsDir, containersDir]) chmodSync(dir, 0o700)
  for (const draft of deadDrafts(snapshotsDir)) bringBackLent(draft)
}
