/** Places in which wherry is tried: users of this machine, and containers, each with what it allows and forbids. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Dockerd } from './dockerd.ts'
import { programPath } from './need.ts'
import { ownImage } from './own-image.ts'
import type { User } from './users.ts'
import { type Ran, finished, removeTree } from './wherry.ts'

const program = join(import.meta.dirname, '..', '..', 'bin', 'wherry.js')

/** Where wherry can be run. */
export interface Place {
  /** Runs wherry to its end; `context` is a folder of this machine, which the place has as the one given to `args`. */
  run(this: void, args: (context: string) => readonly string[], context?: string): Promise<Ran>
  /** Texts of this machine in its output, by the word to put in their place. */
  readonly names: readonly (readonly [text: string, word: string])[]
  remove(this: void): Promise<void>
}

/** How a place for a user of this machine differs from the plain one. */
export interface UserPlaceOptions {
  /** Options of setpriv(1). */
  readonly setpriv?: readonly string[]
  /** Shell commands of root in a mount namespace of the place's own, before the user is taken; `$HOME` is the user's. */
  readonly mounts?: string
  /** The place is in a user namespace that allows no further ones. */
  readonly isLast?: boolean
  /** The store is not in the home. */
  readonly root?: boolean
}

/** A place of a user of this machine, with a home of its own. Root's alone to make. */
export function userPlace(user: User, options: UserPlaceOptions = {}): Place {
  const dir = mkdtempSync(join(tmpdir(), 'wherry-place-'))
  chmodSync(dir, 0o755)
  const [home, root] = ['home', 'elsewhere'].map((name) => join(dir, name)) as [string, string]
  for (const folder of [home, root]) {
    mkdirSync(folder)
    chownSync(folder, user.uid, user.gid)
  }
  const ids = ['--reuid', String(user.uid), '--regid', String(user.gid), '--clear-groups']
  const become = ['setpriv', ...ids, ...(options.setpriv ?? []), '--', process.execPath, program]
  const env = { PATH: process.env['PATH'], HOME: home, USER: user.name, LANG: 'C.UTF-8' }
  return {
    run: async (args, context = home) => {
      const words = args(context)
      const withRoot = options.root === true ? [words[0]!, '--root', root, ...words.slice(1)] : words
      const command = [...become, ...withRoot]
      const all = options.mounts === undefined ? command : inMountNamespace(options.mounts, command)
      if (options.isLast === true) return finished(await spawnInLastNamespace(all, env))
      return finished(spawn(all[0]!, all.slice(1), { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] }))
    },
    names: [
      [root, 'ELSEWHERE'],
      [home, 'HOME'],
      ...(user.uid === 0
        ? []
        : ([
            [user.name, 'USER'],
            [`(${user.uid})`, '(UID)'],
          ] as const)),
    ],
    remove: () => removeTree(dir),
  }
}

function inMountNamespace(mounts: string, command: readonly string[]): string[] {
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', `${mounts} && exec "$@"`, 'sh', ...command]
}

/** Hides the programs that map subordinate ids. */
export function hideHelpers(): string {
  const paths = ['newuidmap', 'newgidmap'].map((name) => programPath(name)).filter((path) => path !== undefined)
  return paths.map((path) => `mount --bind /dev/null ${path}`).join(' && ') || 'true'
}

/** Makes the home one that cannot be written. */
export const readOnlyHome = 'mount --bind "$HOME" "$HOME" && mount -o remount,ro,bind "$HOME"'

const lockIn = 'read go; exec sh -c \'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"\' sh "$@"'

/**
 * Starts a command as root of a user namespace with all ids, in which no further one can be made. The setting is that
 * namespace's own: the machine's stays as it is.
 */
async function spawnInLastNamespace(command: readonly string[], env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const child = spawn('unshare', ['--user', 'sh', '-c', lockIn, 'sh', ...command], { env, stdio: 'pipe' })
  const namespace = (pid: number | 'self'): string => readlinkSync(`/proc/${pid}/ns/user`)
  while (child.exitCode === null && namespace(child.pid!) === namespace('self')) await delay(1)
  for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${child.pid!}/${map}`, '0 0 4294967295')
  child.stdin.end('\n')
  return child
}

/** A place in a container of wherry's own image. `options` are docker's, `root` is where the store is if not in a volume. */
export function containerPlace({ docker }: Dockerd, options: readonly string[], root?: string): Place {
  return {
    run: (args, context = '/nonexistent') => {
      const mount = context === '/nonexistent' ? [] : ['--volume', `${context}:/workspace:ro`]
      const words = args('/workspace')
      const withRoot = root === undefined ? words : [words[0]!, '--root', root, ...words.slice(1)]
      return docker('run', '--rm', '--network', 'host', ...options, ...mount, ownImage, ...withRoot)
    },
    names: [],
    remove: () => Promise.resolve(),
  }
}
