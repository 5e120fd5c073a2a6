/** Says what a test needs of the machine: skipped with the reason printed, or failed where WHERRY_REQUIRE names the kind. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'

/** Kinds of need that WHERRY_REQUIRE can name. */
export type Kind =
  | 'userns'
  | 'root'
  | 'mapped'
  | 'tools'
  | 'docker'
  | 'registry'
  | 'conformance'
  | 'network'
  | 'bench'
  | 'cgroup'
  | 'chromium'

const required = (process.env['WHERRY_REQUIRE'] ?? '').split(',').filter(Boolean)

/**
 * For `describe.skipIf` and `test.skipIf`: true if `reason` says what is missing; prints it.
 * @throws Error if the kind is required
 */
export function lacks(kind: Kind, reason: string | undefined): boolean {
  if (reason === undefined) return false
  if (required.includes(kind)) throw new Error(`WHERRY_REQUIRE has ${kind}, but ${reason}`)
  process.stderr.write(`skipped (${kind}): ${reason}\n`)
  return true
}

/** The absolute path of a program in PATH or the usual folders, or undefined. */
export function programPath(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'].filter(Boolean)
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Which of these programs are missing, as a reason. */
export function missingTools(...names: readonly string[]): string | undefined {
  const missing = names.filter((name) => programPath(name) === undefined)
  return missing.length === 0 ? undefined : `${missing.join(', ')} not installed`
}

/** Why no user namespace can be made, or undefined. */
export function noUserNamespace(): string | undefined {
  const made = spawnSync('unshare', ['--user', 'true'], { stdio: 'ignore', timeout: 10_000 })
  return made.status === 0 ? undefined : 'the kernel or a policy forbids user namespaces'
}

/** Why nothing can be tried that only root may do, or undefined. */
export function notRoot(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'this is not root'
}

/** Why this user cannot have a full id map, or undefined. */
export function noFullMap(): string | undefined {
  if (process.getuid?.() === 0) return noUserNamespace()
  const { username, uid } = userInfo()
  const listed = (file: string): boolean =>
    existsSync(file) &&
    readFileSync(file, 'utf8')
      .split('\n')
      .some((line) => line.startsWith(`${username}:`) || line.startsWith(`${uid}:`))
  if (!listed('/etc/subuid') || !listed('/etc/subgid')) return 'this user has no subordinate ids'
  return missingTools('newuidmap', 'newgidmap') ?? noUserNamespace()
}

/** `host:port` of a registry with the conformance base images. */
export const testRegistry: string | undefined = process.env['WHERRY_TEST_REGISTRY']

/** Why there is no such registry, or undefined. */
export function noRegistry(): string | undefined {
  return testRegistry ? undefined : 'WHERRY_TEST_REGISTRY is not set'
}

/** Why Debian's mirror must not be used, or undefined. */
export function noMirror(): string | undefined {
  return process.env['WHERRY_TEST_MIRROR'] ? undefined : 'WHERRY_TEST_MIRROR is not set'
}

/** Folder of the conformance suite, if it is there. */
export const conformanceFolder: string | undefined = process.env['WHERRY_CONFORMANCE']
