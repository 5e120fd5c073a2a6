/**
 * Why this machine refuses a mode, and the exact command or setting that mends it: pure, from facts alone.
 *
 * The one source of such sentences: `choose` takes its refusals from here, `wherry doctor` prints them, and a build that the
 * kernel refuses after all ends with the same ones.
 */
import type { Cause, Facts, Refusal, Runtime, SubIds } from './contract.ts'
import { rangesToMap, usualCount } from './subids.ts'

/** A refusal without its mode. */
export type Advice = Omit<Refusal, 'mode'> & { readonly cause: Cause }

/** Numbers of capabilities(7). */
export const capability = {
  chown: 0,
  dacOverride: 1,
  fowner: 3,
  fsetid: 4,
  kill: 5,
  setgid: 6,
  setuid: 7,
  setpcap: 8,
  sysChroot: 18,
  sysAdmin: 21,
} as const

/** True if a set of capabilities, in hexadecimal as /proc/PID/status has it, holds this one. */
export function hasCapability(set: string, bit: number): boolean {
  return ((BigInt(`0x${set}`) >> BigInt(bit)) & 1n) === 1n
}

/** Why no user namespace can be made at all, or none in which anything can be mounted; undefined if that is not refused. */
export function userNamespaceAdvice(facts: Facts): Advice | undefined {
  if (facts.busyboxUnshare)
    return {
      cause: 'busybox-unshare',
      reason: `${facts.tools['unshare'] ?? 'unshare'} is busybox's, which cannot do what is needed`,
      fix: 'install util-linux (Alpine: apk add util-linux)',
    }
  if (facts.tools['unshare'] === undefined)
    return {
      cause: 'no-unshare',
      reason: 'the program unshare is not installed',
      fix: 'install util-linux (Debian and Ubuntu: sudo apt-get install util-linux)',
    }
  if (facts.usernsRefusal === undefined) return undefined
  return namespaceCauses.map((of) => of(facts, facts.usernsRefusal ?? '')).find((advice) => advice !== undefined)
}

/** Each looks for one cause; the first that finds it is right, so the surest come first. */
const namespaceCauses: readonly ((facts: Facts, said: string) => Advice | undefined)[] = [
  noNamespacesLeft,
  debianSetting,
  tooDeep,
  inChroot,
  seccompFilter,
  appArmorSetting,
  appArmorProfile,
  (facts, said) => ({
    cause: 'userns-refused',
    reason: `user namespaces are refused (${said})`,
    fix: facts.container === undefined ? undefined : runtimeFix('seccomp', facts),
  }),
]

/** user.max_user_namespaces of this namespace or of one around it: the kernel says ENOSPC, which reads as a full disk. */
function noNamespacesLeft({ sysctls }: Facts, said: string): Advice | undefined {
  const own = sysctls['user.max_user_namespaces'] === '0'
  if (!own && !/No space left on device|ENOSPC/.test(said)) return undefined
  return {
    cause: 'max-user-namespaces',
    reason: own
      ? 'user namespaces are switched off (user.max_user_namespaces is 0)'
      : 'the limit of user namespaces is reached (user.max_user_namespaces of this machine or of the container around)',
    fix: 'sudo sysctl -w user.max_user_namespaces=28633 (to keep it: a line in /etc/sysctl.d/99-userns.conf)',
  }
}

function debianSetting({ sysctls, uid }: Facts): Advice | undefined {
  if (sysctls['kernel.unprivileged_userns_clone'] !== '0' || uid === 0) return undefined
  return {
    cause: 'unprivileged-userns-clone',
    reason: 'user namespaces are for root alone (kernel.unprivileged_userns_clone is 0)',
    fix: 'sudo sysctl -w kernel.unprivileged_userns_clone=1 (to keep it: a line in /etc/sysctl.d/99-userns.conf)',
  }
}

function tooDeep(_facts: Facts, said: string): Advice | undefined {
  if (!/Too many users|EUSERS/.test(said)) return undefined
  return { cause: 'namespaces-nested', reason: 'user namespaces are nested 32 deep, as many as the kernel allows' }
}

/** user_namespaces(7): EPERM for a caller whose root is not that of its mount namespace. */
function inChroot({ confinement }: Facts): Advice | undefined {
  if (!confinement.chrooted) return undefined
  return {
    cause: 'in-chroot',
    reason: 'this process is in a chroot, where the kernel makes no user namespaces',
    fix: 'enter that folder with `unshare --root` or systemd-nspawn instead of chroot',
  }
}

function seccompFilter(facts: Facts, said: string): Advice | undefined {
  const atUnshare = /unshare failed|unshare\(/.test(said)
  if (facts.confinement.seccomp !== 'filter' || !atUnshare) return undefined
  return {
    cause: 'seccomp',
    reason: `the seccomp filter of ${filterOwner(facts)} forbids user namespaces`,
    fix: runtimeFix('seccomp', facts),
  }
}

function filterOwner({ confinement, container }: Facts): string {
  return confinement.runtime !== undefined || container !== undefined
    ? 'this container'
    : 'the service that started this'
}

/** Ubuntu since 23.10: without a profile of its own a program gets a namespace in which it may do nothing. */
function appArmorSetting({ sysctls, uid }: Facts): Advice | undefined {
  if (sysctls['kernel.apparmor_restrict_unprivileged_userns'] !== '1' || uid === 0) return undefined
  return {
    cause: 'apparmor-userns',
    reason: 'AppArmor forbids user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1)',
    fix: 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (to keep it: a line in /etc/sysctl.d/99-userns.conf)',
  }
}

function appArmorProfile(facts: Facts): Advice | undefined {
  const { label, runtime } = facts.confinement
  if (runtime === undefined || label === undefined || !/\((enforce|kill)\)$/.test(label)) return undefined
  return {
    cause: 'apparmor-profile',
    reason: `the AppArmor profile "${label.replace(/ \(.*/, '')}" of this container forbids mounts`,
    fix: runtimeFix('apparmor', facts),
  }
}

type Setting = 'seccomp' | 'apparmor' | 'privileges' | 'proc'

/** The line to add, by who starts the container. */
const runtimeFixes: Readonly<Record<Setting, Readonly<Record<Runtime, string>>>> = {
  seccomp: {
    docker: 'start the container with: docker run --security-opt seccomp=unconfined',
    podman: 'start the container with: podman run --security-opt seccomp=unconfined',
    kubernetes: 'in the securityContext of the container: seccompProfile: {type: Unconfined}',
    gitlab: 'in config.toml of the runner, below [runners.docker]: security_opt = ["seccomp:unconfined"]',
    lxc: 'in the configuration of the container: lxc.include = /usr/share/lxc/config/nesting.conf (LXD, Incus: security.nesting=true)',
    other: 'start the container without a seccomp filter (docker: --security-opt seccomp=unconfined)',
  },
  apparmor: {
    docker: 'start the container with: docker run --security-opt apparmor=unconfined',
    podman: 'start the container with: podman run --security-opt apparmor=unconfined',
    kubernetes: 'in the securityContext of the container: appArmorProfile: {type: Unconfined}',
    gitlab: 'in config.toml of the runner, below [runners.docker]: security_opt = ["apparmor:unconfined"]',
    lxc: 'in the configuration of the container: lxc.apparmor.profile = unconfined',
    other: 'start the container without an AppArmor profile (docker: --security-opt apparmor=unconfined)',
  },
  privileges: {
    docker: 'start the container without --security-opt no-new-privileges',
    podman: 'start the container without --security-opt no-new-privileges',
    kubernetes: 'in the securityContext of the container: allowPrivilegeEscalation: true',
    gitlab: 'in config.toml of the runner, below [runners.docker]: take no-new-privileges out of security_opt',
    lxc: 'in the configuration of the container: lxc.no_new_privs = 0',
    other: 'start the container without no_new_privs',
  },
  proc: {
    docker: 'start the container with: docker run --security-opt systempaths=unconfined',
    podman: 'start the container with: podman run --security-opt unmask=ALL',
    kubernetes: 'in the securityContext of the container: procMount: Unmasked (needs hostUsers: false in the pod)',
    gitlab: 'in config.toml of the runner, below [runners.docker]: security_opt = ["systempaths:unconfined"]',
    lxc: 'in the configuration of the container: lxc.mount.auto = proc:rw',
    other: 'start the container without masked paths (docker: --security-opt systempaths=unconfined)',
  },
}

/** The setting of the container around this process that lifts a restriction; of a service where there is no container. */
export function runtimeFix(setting: Setting, { confinement, container }: Facts): string | undefined {
  const runtime = confinement.runtime ?? (container === undefined ? undefined : 'other')
  if (runtime !== undefined) return runtimeFixes[setting][runtime]
  return { seccomp: serviceFix('RestrictNamespaces=no'), privileges: serviceFix('NoNewPrivileges=no') }[
    setting as string
  ]
}

function serviceFix(line: string): string {
  return `in the unit of the service: ${line}; else start wherry from a shell that is not confined`
}

/** The ranges that newuidmap and newgidmap would map for this user; either is empty if there is none to map. */
export function mappableIds(facts: Facts): { readonly uids: SubIds[]; readonly gids: SubIds[] } {
  return {
    uids: rangesToMap(facts.subuids, { own: facts.uid, idMap: facts.uidMap }),
    gids: rangesToMap(facts.subgids, { own: facts.gid, idMap: facts.gidMap }),
  }
}

/** Why newuidmap and newgidmap would not map a range for this ordinary user; undefined if they would. */
export function helperAdvice(facts: Facts): Advice | undefined {
  const missing = helpers.filter((name) => facts.tools[name] === undefined)
  if (missing.length > 0)
    return {
      cause: 'no-newuidmap',
      reason: `${missing.join(' and ')} not found`,
      fix: 'sudo apt-get install uidmap (Fedora: sudo dnf install shadow-utils; Alpine: apk add shadow-uidmap)',
    }
  const { uids, gids } = mappableIds(facts)
  if (uids.length === 0 || gids.length === 0) return missingSubIds(facts)
  return unprivilegedHelper(facts) ?? boundedHelper(facts)
}

const helpers = ['newuidmap', 'newgidmap']

function unprivilegedHelper(facts: Facts): Advice | undefined {
  const weak = helpers.filter((name) => facts.helperPrivileges[name] === 'none')
  if (weak.length > 0)
    return {
      cause: 'newuidmap-unprivileged',
      reason: `${weak.join(' and ')} cannot gain privileges: neither setuid nor with file capabilities`,
      fix: `sudo chmod u+s ${weak.map((name) => facts.tools[name]).join(' ')}`,
    }
  if (!facts.noNewPrivs) return undefined
  return {
    cause: 'no-new-privs',
    reason: 'this process may not gain privileges (no_new_privs), which newuidmap needs',
    fix: runtimeFix('privileges', facts),
  }
}

/**
 * A setuid helper has another effective id than the owner of the namespace, so it needs CAP_SYS_ADMIN, which containers take
 * away; with file capabilities it keeps the owner's id and needs CAP_SETUID alone: user_namespaces(7).
 */
function boundedHelper(facts: Facts): Advice | undefined {
  const { bounding } = facts.confinement
  const isSetuid = helpers.some((name) => facts.helperPrivileges[name] === 'setuid')
  const lacksSetid = !hasCapability(bounding, capability.setuid) || !hasCapability(bounding, capability.setgid)
  if (!lacksSetid && (!isSetuid || hasCapability(bounding, capability.sysAdmin))) return undefined
  const [uid, gid] = helpers.map((name) => facts.tools[name])
  return {
    cause: 'newuidmap-bounded',
    reason: lacksSetid
      ? 'newuidmap cannot map: CAP_SETUID and CAP_SETGID are dropped here'
      : 'a setuid newuidmap cannot map in a container without CAP_SYS_ADMIN',
    fix: lacksSetid
      ? 'let the container keep the capabilities SETUID and SETGID'
      : `in the image: chmod u-s ${uid} ${gid} && setcap cap_setuid+ep ${uid} && setcap cap_setgid+ep ${gid}`,
  }
}

function missingSubIds(facts: Facts): Advice {
  const { uids, gids } = mappableIds(facts)
  const files = [...(uids.length === 0 ? ['/etc/subuid'] : []), ...(gids.length === 0 ? ['/etc/subgid'] : [])]
  const isElsewhere = facts.subuids.length > 0 && facts.subgids.length > 0
  return {
    cause: 'no-subids',
    reason: `${facts.user} has no range in ${files.join(' and ')}${isElsewhere ? ' that exists in this user namespace' : ''}`,
    fix: subIdFix(facts),
  }
}

/** The command that gives this user a range that nobody has, of ids that there are. */
export function subIdFix({ takenIds, user, uidMap }: Facts): string {
  const end = Math.max(...uidMap.map(({ inside, count }) => inside + count))
  if (end <= 2 * usualCount)
    return `printf '${user}:1:999\\n${user}:1001:${end - 1001}\\n' | tee /etc/subuid /etc/subgid`
  const first = Math.max(100000, ...takenIds.map((range) => range.first + range.count))
  const range = `${first}-${first + usualCount - 1}`
  return /^\d+$/.test(user)
    ? `echo ${user}:${first}:${usualCount} | sudo tee -a /etc/subuid /etc/subgid`
    : `sudo usermod --add-subuids ${range} --add-subgids ${range} ${user}`
}

/** What root needs in chroot mode: to make the files of images, to enter a root file system as any user, and to take rights from steps. */
const chrootNeeds = [
  'chown',
  'dacOverride',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'sysChroot',
] as const

/** Why chroot mode cannot be used; undefined if it can. */
export function chrootAdvice(facts: Facts): Advice | undefined {
  if (facts.uid !== 0)
    return { cause: 'not-root', reason: `only root may change its root, not ${facts.user}`, fix: rootFix(facts) }
  const missing = chrootNeeds.filter((name) => !hasCapability(facts.capabilities, capability[name])).map(kernelName)
  if (missing.length === 0) return undefined
  return {
    cause: 'chroot-capabilities',
    reason: `root lacks the capabilities ${missing.map((name) => `CAP_${name}`).join(', ')} here`,
    fix: capabilityFix(missing, facts),
  }
}

function kernelName(name: (typeof chrootNeeds)[number]): string {
  return name.replace(/[A-Z]/, '_$&').toUpperCase()
}

/** Outside of containers nobody should build as root for this. */
function rootFix({ confinement, container }: Facts): string | undefined {
  if (confinement.runtime === 'kubernetes') return 'in the securityContext of the container: runAsUser: 0'
  if (container === undefined && confinement.runtime === undefined) return undefined
  return `start the container as root (${confinement.runtime === 'podman' ? 'podman' : 'docker'} run --user 0)`
}

function capabilityFix(missing: readonly string[], { confinement: { runtime } }: Facts): string {
  if (runtime === 'kubernetes')
    return `in the securityContext of the container: capabilities: {add: [${missing.join(', ')}]}`
  const tool = runtime === 'podman' ? 'podman' : 'docker'
  return `start the container with: ${tool} run ${missing.map((name) => `--cap-add ${name}`).join(' ')}`
}
