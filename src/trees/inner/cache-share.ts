/** Cache mounts that machines share: what one has as a layer, and a new one that begins as such a layer says. */
import { closeSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type BytePath, fromText } from '../../core/bytepath.ts'
import { WherryError, errnoOf } from '../../core/errors.ts'
import { throwIfCancelled } from '../../core/scope.ts'
import { moveIfFree } from '../../host/files.ts'
import { ownedName } from '../../host/owner.ts'
import type { SealItem } from '../../layer/contract.ts'
import { sealLayerInTurns } from '../../layer/seal.ts'
import { unpackLayer } from '../../layer/unpack.ts'
import { createApplier } from '../../rootfs/apply.ts'
import { selectChanges } from '../../rootfs/changes.ts'
import { copyCandidates } from '../../rootfs/copy-changes.ts'
import { lstatIfThere, removeTree } from '../../rootfs/disk.ts'
import { plainTree } from '../../rootfs/hide.ts'
import type { InnerCalls } from '../client.ts'
import type { SealedMount } from '../contract.ts'
import { tryHold } from './cache-lock.ts'
import { cacheName, describe } from './cache-mounts.ts'
import type { Inner } from './state.ts'

/** How long an export waits for a run that has the mount to itself, in milliseconds. */
const patienceMs = 2000
const pollMs = 50

/** Bytes that an entry takes beside its file's content: a block of the tar. */
const entryBytes = 512

/** Serves `Trees.sealCacheMount`. */
export async function sealCacheMount(
  { mountsDir }: Pick<Inner, 'mountsDir'>,
  { id, limit, tarPath, contentsPath }: InnerCalls['sealCacheMount'],
  signal: AbortSignal,
): Promise<SealedMount> {
  const folder = join(mountsDir, cacheName({ id }))
  if (!isThere(folder)) return { kind: 'absent' }
  const lock = await holdSoon(folder, signal)
  if (lock === undefined) return { kind: 'busy' }
  try {
    if (!isThere(folder)) return { kind: 'absent' }
    const items = itemsIn(fromText(folder))
    if (items.length < 2) return { kind: 'absent' }
    const bytes = items.reduce((sum, { entry }) => sum + entry.size + entryBytes, 0)
    if (bytes > limit) return { kind: 'too-large', bytes }
    return { kind: 'sealed', layer: await sealLayerInTurns({ items, tarPath, contentsPath }, signal) }
  } catch (error) {
    // Other runs may have it too, as `sharing=shared` says.
    if (error instanceof WherryError && error.code === 'io') return { kind: 'unreadable', why: error.message }
    if (errnoOf(error) === 'ENOENT') return { kind: 'unreadable', why: 'it was changed while it was read' }
    throw error
  } finally {
    closeSync(lock)
  }
}

/** Serves `Trees.hasCacheMount`. */
export function hasCacheMount({ mountsDir }: Pick<Inner, 'mountsDir'>, id: string): boolean {
  const folder = join(mountsDir, cacheName({ id }))
  if (isThere(folder)) return true
  const lock = tryHold(folder, 'shared')
  // Somebody has it alone: it is being made, or lent to a root file system.
  if (lock === undefined) return true
  closeSync(lock)
  return false
}

/** Serves `Trees.beginCacheMount`. */
export async function beginCacheMount(
  inner: Pick<Inner, 'mountsDir' | 'mode'>,
  { id, diffId, blobPath }: InnerCalls['beginCacheMount'],
  signal: AbortSignal,
): Promise<boolean> {
  const folder = join(inner.mountsDir, cacheName({ id }))
  const lock = tryHold(folder, 'shared')
  if (lock === undefined) return false
  const temp = join(inner.mountsDir, ownedName('cache'))
  try {
    if (isThere(folder)) return false
    mkdirSync(temp, { mode: 0o755 })
    const applier = createApplier(plainTree(fromText(temp), inner.mode.kind !== 'single'))
    await unpackLayer({ blobPath, expectedDiffId: diffId, applier }, signal)
    const made = moveIfFree(Buffer.from(temp), Buffer.from(folder))
    describe(folder, { id })
    return made
  } finally {
    removeTree(fromText(temp))
    closeSync(lock)
  }
}

function isThere(folder: string): boolean {
  return lstatIfThere(fromText(folder)) !== undefined
}

async function holdSoon(folder: string, signal: AbortSignal): Promise<number | undefined> {
  for (const until = Date.now() + patienceMs; ; ) {
    throwIfCancelled({ signal })
    const lock = tryHold(folder, 'shared')
    if (lock !== undefined || Date.now() > until) return lock
    await delay(pollMs)
  }
}

/** All that is in the folder, and the folder itself. Names that a layer has for whiteouts are left out. */
function itemsIn(root: BytePath): SealItem[] {
  const nothing = `${root}/../none`
  const found = copyCandidates({ root, original: nothing, times: new Map() })
  const plain = found.filter(({ entry }) => !/(^|\/)\.wh\./.test(entry.path))
  return selectChanges(plain, { excluded: [] }).map(({ entry, source }) => ({
    entry,
    ...(source !== undefined && { source: { path: source, offset: 0 } }),
  }))
}
