/** Who the tests can be: root and the machine's trial users when run by root, else the user who runs them. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { build } from 'esbuild'
import type { Isolation } from '../../src/host/contract.ts'
import { missingTools } from './need.ts'

const source = join(import.meta.dirname, '../../src')
const cache = join(import.meta.dirname, '../../node_modules/.cache')

/** A user of this machine. */
export interface User {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** A user and a way of mapping ids that should work for it. */
export interface Trial {
  readonly user: User
  readonly isolation: Exclude<Isolation, 'auto'>
}

/** Every combination that this machine allows to try. As root also an ordinary user with subordinate ids and one without. */
export function trials(): Trial[] {
  const me = userInfo()
  const own = { name: me.username, uid: me.uid, gid: me.gid }
  return [own, ...(me.uid === 0 ? ordinaryUsers() : [])].flatMap((user): Trial[] => {
    const single: Trial = { user, isolation: 'single' }
    return user.uid === 0 || hasSubIds(user) ? [{ user, isolation: 'mapped' }, single] : [single]
  })
}

/** Root's own, where nothing but chroot(2) is used. */
export function chrootTrials(): Trial[] {
  const { username: name, uid, gid } = userInfo()
  return uid === 0 ? [{ user: { name, uid, gid }, isolation: 'chroot' }] : []
}

/** Of the users who log in: the first of either kind. */
function ordinaryUsers(): User[] {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter((user) => user.uid >= 1000 && user.uid < 60000 && mayRead(user))
  const kinds = [users.find(hasSubIds), users.find((user) => !hasSubIds(user))]
  return kinds.filter((user) => user !== undefined)
}

function hasSubIds(user: User): boolean {
  const listed = ['/etc/subuid', '/etc/subgid'].every(
    (file) => existsSync(file) && readFileSync(file, 'utf8').includes(`${user.name}:`),
  )
  return listed && missingTools('newuidmap', 'newgidmap') === undefined
}

/** The repository may lie where another user cannot look. */
function mayRead(user: User): boolean {
  try {
    execFileSync('ls', [cache], { stdio: 'ignore', ...ids(user) })
    return true
  } catch {
    return user.uid === process.getuid?.()
  }
}

function ids(user: User): { uid?: number; gid?: number } {
  return user.uid === process.getuid?.() ? {} : { uid: user.uid, gid: user.gid }
}

/** A temp folder that belongs to the user. */
export function folderOf(user: User): string {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-trial-'))
  chownSync(folder, user.uid, user.gid)
  return folder
}

/** Bundles a script with the inner process and the sandbox's threads beside it; returns the file to run with Node and how to remove it. */
export async function bundleWithThreads(script: string): Promise<{ readonly file: string; remove(): void }> {
  mkdirSync(cache, { recursive: true })
  const outdir = mkdtempSync(join(cache, 'wherry-trial-'))
  await build({
    entryPoints: {
      script,
      inner: join(source, 'trees/inner/main.ts'),
      'sandbox-worker': join(source, 'sandbox/worker/main.ts'),
      keeper: join(source, 'sandbox/keeper/main.ts'),
    },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['koffi'],
  })
  execFileSync('chmod', ['-R', 'a+rX', outdir])
  return { file: join(outdir, 'script.js'), remove: () => rmSync(outdir, { recursive: true, force: true }) }
}

/** How a program ended. */
export interface Ended {
  readonly stdout: string
  readonly stderr: string
  readonly end: number | NodeJS.Signals
}

/** Runs Node with these arguments as the user, to the end. */
export async function runNodeAs(user: User, args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, args, {
    ...ids(user),
    cwd: '/',
    env: { ...process.env, HOME: '/', USER: user.name },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { stdout, stderr, end: child.exitCode ?? child.signalCode ?? -1 }
}
