/** What `wherry doctor` finds on the machine, from facts alone; pure. The sentences on modes are those of `host/advice.ts`. */
import {
  capability,
  hasCapability,
  helperAdvice,
  mappableIds,
  runtimeFix,
  subIdFix,
  userNamespaceAdvice,
} from '../host/advice.ts'
import { choose } from '../host/choose.ts'
import type { Facts, Finding, Refusal } from '../host/contract.ts'
import { usualCount } from '../host/subids.ts'

/** Programs that every step needs. */
const stepTools = ['unshare', 'setpriv', 'mount', 'nsenter', 'sh', 'env']

/** The findings on machine, user and container, in the order in which they matter to each other. */
export function machineFindings(facts: Facts): Finding[] {
  return [
    kernel(facts),
    { name: 'user', level: 'ok', found: `${facts.user} (${facts.uid})` },
    container(facts),
    userIds(facts),
    capabilities(facts),
    newPrivileges(facts),
    userNamespaces(facts),
    tools(facts),
    ...(facts.uid === 0 ? [] : [idHelpers(facts), idRanges(facts)]),
    seccomp(facts),
    proc(facts),
  ]
}

/** The best first, as `choose` tries them. */
const kinds = ['mapped', 'single', 'chroot'] as const

/** One finding for each mode: what a build would take, and why not a better one. */
export function modeFindings(facts: Facts): Finding[] {
  const choice = choose(facts, 'auto')
  const taken = choice.ok ? kinds.indexOf(choice.mode.kind) : kinds.length
  return kinds.map((kind, at) => (at > taken ? spare(kind, facts) : mode(kind, facts, choice.ok)))
}

/** What each of wherry's means needs: overlay in user namespaces 5.11, mount_setattr 5.12. */
function kernel({ kernel, arch }: Facts): Finding {
  const [major = 0, minor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10))
  const found = `Linux ${kernel}, ${arch}`
  const name = 'kernel'
  if (major > 5 || (major === 5 && minor >= 12)) return { name, level: 'ok', found }
  return { name, level: 'missing', found, fix: 'use Linux 5.12 or later: overlay mounts of ordinary users need it' }
}

function container({ container, confinement }: Facts): Finding {
  const { runtime, seccomp, label, chrooted } = confinement
  const place = runtime ?? (container === undefined ? (chrooted ? 'a chroot' : 'none') : 'of a kind not known')
  const filter = { none: 'no seccomp filter', strict: 'strict seccomp', filter: 'a seccomp filter' }[seccomp]
  const found = [place, filter, ...(label === undefined ? [] : [label])].join(', ')
  return { name: 'container', level: 'ok', found }
}

/** Whether the ids are the host's: Kubernetes calls that `hostUsers`. */
function userIds({ uidMap }: Facts): Finding {
  const name = 'user ids'
  const [first] = uidMap
  const isHost = uidMap.length === 1 && first?.inside === 0 && first.outside === 0 && first.count >= 0x80000000
  if (isHost) return { name, level: 'ok', found: "the host's (no user namespace around; hostUsers: true)" }
  const ranges = uidMap.map(({ inside, outside, count }) => `${inside}+${count} from ${outside}`)
  return { name, level: 'ok', found: `of a user namespace (hostUsers: false): ${ranges.join(', ') || 'none'}` }
}

/** Those that decide what root of a container can do. */
const telling = [
  ['CAP_SYS_ADMIN', capability.sysAdmin],
  ['CAP_SYS_CHROOT', capability.sysChroot],
  ['CAP_SETUID', capability.setuid],
  ['CAP_SETGID', capability.setgid],
] as const

function capabilities({ capabilities, confinement, uid }: Facts): Finding {
  const held = telling.filter(([, bit]) => hasCapability(capabilities, bit)).map(([name]) => name)
  const allowed = telling.filter(([, bit]) => hasCapability(confinement.bounding, bit)).map(([name]) => name)
  const list = (names: readonly string[]): string => names.join(' ') || 'none'
  const found = uid === 0 ? list(held) : `${list(held)}; helpers may have ${list(allowed)}`
  return { name: 'capabilities', level: 'ok', found }
}

function newPrivileges(facts: Facts): Finding {
  const name = 'no_new_privs'
  if (!facts.noNewPrivs) return { name, level: 'ok', found: 'not set' }
  const found = 'set: newuidmap, sudo and su gain nothing'
  return { name, level: facts.uid === 0 ? 'ok' : 'note', found, ...fixOf(runtimeFix('privileges', facts)) }
}

function userNamespaces(facts: Facts): Finding {
  const name = 'user namespaces'
  const settings = Object.entries(facts.sysctls).map(([key, value]) => `${key}=${value}`)
  const advice = userNamespaceAdvice(facts)
  const level = choose(facts, 'auto').ok ? 'note' : 'missing'
  if (advice !== undefined) return { name, level, found: advice.reason, ...fixOf(advice.fix) }
  return { name, level: 'ok', found: ['allowed', ...settings].join(', ') }
}

function tools(facts: Facts): Finding {
  const name = 'programs'
  const missing = stepTools.filter((tool) => facts.tools[tool] === undefined)
  if (missing.length === 0) return { name, level: 'ok', found: stepTools.join(', ') }
  return { name, level: 'missing', found: `missing: ${missing.join(', ')}`, fix: 'install util-linux' }
}

function idHelpers(facts: Facts): Finding {
  const name = 'newuidmap'
  const advice = helperAdvice(facts)
  if (advice !== undefined && advice.cause !== 'no-subids' && advice.cause !== 'no-new-privs')
    return { name, level: 'note', found: advice.reason, ...fixOf(advice.fix) }
  const path = facts.tools['newuidmap']
  const how = facts.helperPrivileges['newuidmap'] === 'capability' ? 'file capabilities' : 'setuid'
  return { name, level: 'ok', found: path === undefined ? 'not looked at' : `${path} (${how})` }
}

function idRanges(facts: Facts): Finding {
  const name = 'subordinate ids'
  const show = (ranges: Facts['subuids']): string => ranges.map((r) => `${r.first}+${r.count}`).join(' ') || 'none'
  const found = `uids ${show(facts.subuids)}, gids ${show(facts.subgids)}`
  const problem = rangeProblem(facts)
  if (problem === undefined) return { name, level: 'ok', found }
  return { name, level: 'note', found: `${found}${problem}`, fix: subIdFix(facts) }
}

/** What is wrong with the ranges, as the end of a sentence. */
function rangeProblem(facts: Facts): string | undefined {
  const { uids, gids } = mappableIds(facts)
  if (uids.length === 0 || gids.length === 0) return ''
  const total = (ranges: Facts['subuids']): number => ranges.reduce((sum, { count }) => sum + count, 0)
  // Debian's nobody is 65534, counted from 0, which is the user's own id.
  const hasNobody = Math.min(total(uids), total(gids)) >= usualCount - 2
  return hasNobody ? undefined : `: fewer than the ${usualCount} ids that images expect`
}

function seccomp(facts: Facts): Finding {
  const name = 'seccomp'
  if (facts.seccompActions.includes('user_notif')) return { name, level: 'ok', found: 'filters with notification' }
  return { name, level: 'note', found: 'no notification (Linux 5.0): single mode cannot keep owners of files' }
}

function proc(facts: Facts): Finding {
  const name = 'proc'
  if (!facts.procMasked) return { name, level: 'ok', found: 'may be mounted in steps' }
  const found = 'masked by the container: steps see that of the container'
  return { name, level: 'note', found, ...fixOf(runtimeFix('proc', facts)) }
}

function mode(kind: Refusal['mode'], facts: Facts, works: boolean): Finding {
  const name = `mode ${kind}`
  const choice = choose(facts, kind)
  if (choice.ok) return { name, level: 'ok', found: 'possible' }
  const refusal = choice.refused.find((one) => one.mode === kind)
  const level = works ? 'note' : 'missing'
  return { name, level, found: refusal?.reason ?? 'refused', ...fixOf(refusal?.fix) }
}

/** A mode that is worse than the one that builds take. */
function spare(kind: Refusal['mode'], facts: Facts): Finding {
  return { name: `mode ${kind}`, level: 'ok', found: choose(facts, kind).ok ? 'possible' : 'not possible, nor needed' }
}

function fixOf(fix: string | undefined): { readonly fix?: string } {
  return fix === undefined ? {} : { fix }
}
