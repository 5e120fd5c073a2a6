/** What `wherry doctor` finds, from facts alone; pure. */
import { choose } from '../host/choose.ts'
import type { Facts, Finding, Refusal } from '../host/contract.ts'
import { humanSize } from '../ui/human.ts'

/** What is known of the store's file system. */
export interface StoreFacts {
  readonly root: string
  /** Magic number of the file system: statfs(2). */
  readonly fsType: number
  readonly freeBytes: number
}

/** Tools of util-linux that every step needs. */
const stepTools = ['unshare', 'setpriv', 'mount', 'nsenter', 'sh']

/** File systems by magic number: statfs(2). Those without overlay's upper folders are unfit for unpacked layers. */
const fileSystems: Readonly<Record<number, readonly [name: string, fit: boolean]>> = {
  0xef53: ['ext4', true],
  0x58465342: ['xfs', true],
  0x9123683e: ['btrfs', true],
  0x01021994: ['tmpfs', true],
  0x2fc12fc1: ['zfs', true],
  0xf2f52010: ['f2fs', true],
  0x794c7630: ['overlay', false],
  0x6969: ['nfs', false],
  0x65735546: ['fuse', false],
  0xff534d42: ['cifs', false],
  0xfe534d42: ['smb', false],
  0xf15f: ['ecryptfs', false],
}

/** The findings on the machine, in the order in which they matter to each other. */
export function machineFindings(facts: Facts): Finding[] {
  return [
    { name: 'machine', ok: true, found: `Linux ${facts.kernel}, ${facts.arch}` },
    { name: 'user', ok: true, found: `${facts.user} (${facts.uid})${container(facts)}` },
    userNamespaces(facts),
    tools(facts),
    ...(facts.uid === 0 ? [] : [idHelpers(facts), idRanges(facts)]),
    seccomp(facts),
    mode('mapped', facts),
    mode('single', facts),
  ]
}

function container({ container }: Facts): string {
  return container === undefined ? '' : `, in a container (${container})`
}

function userNamespaces(facts: Facts): Finding {
  const name = 'user namespaces'
  if (facts.usernsRefusal === undefined) return { name, ok: true, found: 'allowed' }
  return { name, ok: false, found: facts.usernsRefusal, ...fixOf(refusalOf('single', facts)) }
}

function tools(facts: Facts): Finding {
  const name = 'programs'
  const missing = stepTools.filter((tool) => facts.tools[tool] === undefined)
  if (missing.length === 0) return { name, ok: true, found: stepTools.join(', ') }
  return { name, ok: false, found: `missing: ${missing.join(', ')}`, fix: 'install util-linux' }
}

function idHelpers(facts: Facts): Finding {
  const name = 'newuidmap'
  const missing = ['newuidmap', 'newgidmap'].filter((tool) => facts.tools[tool] === undefined)
  if (missing.length === 0) return { name, ok: true, found: facts.tools['newuidmap'] ?? '' }
  return { name, ok: false, found: `missing: ${missing.join(', ')}`, ...fixOf(refusalOf('mapped', facts)) }
}

function idRanges(facts: Facts): Finding {
  const name = 'subordinate ids'
  const show = (ranges: Facts['subuids']): string => ranges.map((r) => `${r.first}+${r.count}`).join(' ') || 'none'
  const found = `uids ${show(facts.subuids)}, gids ${show(facts.subgids)}`
  if (facts.subuids.length > 0 && facts.subgids.length > 0) return { name, ok: true, found }
  return { name, ok: false, found, ...fixOf(refusalOf('mapped', facts)) }
}

function seccomp(facts: Facts): Finding {
  const ok = facts.seccompActions.includes('user_notif')
  return { name: 'seccomp', ok, found: ok ? 'user notification' : 'no user notification (Linux 5.0): no single mode' }
}

function mode(kind: 'mapped' | 'single', facts: Facts): Finding {
  const refusal = refusalOf(kind, facts)
  if (refusal === undefined) return { name: `mode ${kind}`, ok: true, found: 'possible' }
  return { name: `mode ${kind}`, ok: false, found: refusal.reason, ...fixOf(refusal) }
}

function refusalOf(kind: 'mapped' | 'single', facts: Facts): Refusal | undefined {
  const choice = choose(facts, kind)
  return choice.ok ? undefined : choice.refused.find((refusal) => refusal.mode === kind)
}

function fixOf(refusal: Refusal | undefined): { readonly fix?: string } {
  return refusal?.fix === undefined ? {} : { fix: refusal.fix }
}

/** The finding on the store. */
export function storeFinding({ root, fsType, freeBytes }: StoreFacts): Finding {
  const [type, fit] = fileSystems[fsType] ?? [`file system 0x${fsType.toString(16)}`, true]
  const found = `${root} (${type}, ${humanSize(freeBytes, 3)} free)`
  if (fit) return { name: 'store', ok: true, found }
  return { name: 'store', ok: false, found, fix: 'put the store on a local file system with --root DIR' }
}
