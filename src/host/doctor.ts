/** What `wherry doctor` prints: each thing that a build needs, as found, with the command that mends it. */
import { statfsSync } from 'node:fs'
import { choose, userNamespaceRefusal } from './choose.ts'
import type { Choice, Facts, Finding, Refusal } from './contract.ts'

/** Findings from facts that were probed with `tryNamespace`. `folder` is where the store is or will be, and exists. */
export function diagnose(facts: Facts, folder: string): Finding[] {
  const choice = choose(facts, 'auto')
  return [
    modeFinding(choice),
    userNamespaces(facts),
    ...choice.refused.map(refusedMode),
    ...tools(facts),
    ...subordinateIds(facts),
    ownerRecorder(facts),
    kernelVersion(facts),
    storeFolder(folder),
  ]
}

function modeFinding(choice: Choice): Finding {
  if (!choice.ok) return { name: 'isolation', ok: false, found: 'none: RUN cannot be carried out here' }
  const { kind, writer, uids } = choice.mode
  const count = choice.mode.runIds ?? uids.reduce((sum, range) => sum + range.count, 0)
  return { name: 'isolation', ok: true, found: `${kind} (${count} ids, mapped by ${writerNames[writer]})` }
}

const writerNames = {
  newuidmap: 'newuidmap',
  root: 'root, away from its own id',
  self: 'the user itself',
  identity: 'root of this container, one to one',
} as const

function userNamespaces(facts: Facts): Finding {
  const refusal = userNamespaceRefusal(facts)
  return refusal === undefined
    ? { name: 'user namespaces', ok: true, found: 'allowed' }
    : { name: 'user namespaces', ok: false, found: refusal.reason, fix: refusal.fix }
}

function refusedMode({ mode, reason, fix }: Refusal): Finding {
  return { name: `isolation ${mode}`, ok: false, found: reason, fix }
}

const neededTools = ['unshare', 'setpriv', 'mount', 'sh', 'env', 'nsenter']

function tools(facts: Facts): Finding[] {
  const missing = neededTools.filter((name) => facts.tools[name] === undefined)
  if (missing.length === 0) return [{ name: 'host programs', ok: true, found: neededTools.join(', ') }]
  return [{ name: 'host programs', ok: false, found: `missing: ${missing.join(', ')}`, fix: 'install util-linux' }]
}

/** Their absence is among the refused modes. */
function subordinateIds(facts: Facts): Finding[] {
  const name = 'subordinate ids'
  const [uids] = facts.subuids
  const [gids] = facts.subgids
  if (uids !== undefined && gids !== undefined)
    return [
      { name, ok: true, found: `uids from ${uids.first} (${uids.count}), gids from ${gids.first} (${gids.count})` },
    ]
  return facts.uid === 0 ? [{ name, ok: true, found: 'none for root, which takes a range that nobody has' }] : []
}

function ownerRecorder(facts: Facts): Finding {
  const ok = facts.seccompActions.includes('user_notif')
  const found = ok ? 'available' : 'not available: single isolation cannot keep owners of files'
  return { name: 'seccomp notifications', ok, found }
}

/** What each of wherry's means needs: overlay in user namespaces 5.11, mount_setattr 5.12, lowerdir+ 6.5. */
function kernelVersion(facts: Facts): Finding {
  const [major = 0, minor = 0] = facts.kernel.split('.').map((part) => Number.parseInt(part, 10))
  const ok = major > 5 || (major === 5 && minor >= 12)
  const found = ok ? facts.kernel : `${facts.kernel}: overlay in a user namespace needs 5.12`
  return { name: 'kernel', ok, found }
}

/** Magic numbers of statfs(2), of file systems on which an overlay cannot write. */
const unfit: Readonly<Record<number, string>> = {
  0x6969: 'nfs',
  0x794c7630: 'overlay',
  0xf15f: 'ecryptfs',
  0xff534d42: 'cifs',
  0xfe534d42: 'smb2',
  0x65735546: 'fuse',
}

function storeFolder(folder: string): Finding {
  const name = 'store'
  const { type, bavail, bsize } = statfsSync(folder)
  const free = `${Math.round((bavail * bsize) / 2 ** 30)} GiB free`
  const kind = unfit[type >>> 0]
  if (kind === undefined) return { name, ok: true, found: `${folder}, ${free}` }
  const fix = 'use --root or WHERRY_ROOT with a folder on a local disk (ext4, xfs, btrfs) or tmpfs'
  return { name, ok: false, found: `${folder} is on ${kind}, ${free}: snapshots are copies there`, fix }
}
