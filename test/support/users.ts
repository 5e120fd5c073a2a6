/** Who the tests can be: root and the machine's trial users when run by root, else the user who runs them. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, chownSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { build } from 'esbuild'
import type { Isolation } from '../../src/host/contract.ts'

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
  readonly isolation: Exclude<Isolation, 'auto' | 'chroot'>
}

/** Every combination that this machine allows to try: ordinary users who are named in WHERRY_TEST_USERS (default ada, bob). */
export function trials(): Trial[] {
  const me = userInfo()
  const own = { name: me.username, uid: me.uid, gid: me.gid }
  const others = me.uid === 0 ? (process.env['WHERRY_TEST_USERS'] ?? 'ada,bob').split(',').flatMap(knownUser) : []
  return [own, ...others].filter(mayRead).flatMap((user): Trial[] => {
    const single: Trial = { user, isolation: 'single' }
    return user.uid === 0 || hasSubIds(user) ? [{ user, isolation: 'mapped' }, single] : [single]
  })
}

function knownUser(name: string): User[] {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  return uid === undefined || gid === undefined ? [] : [{ name, uid: Number(uid), gid: Number(gid) }]
}

function hasSubIds(user: User): boolean {
  return ['/etc/subuid', '/etc/subgid'].every((file) => readFileSync(file, 'utf8').includes(`${user.name}:`))
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

/** Bundles a script with the sandbox's threads beside it; returns the file to run with Node and how to remove it. */
export async function bundleWithThreads(script: string): Promise<{ readonly file: string; remove(): void }> {
  mkdirSync(cache, { recursive: true })
  const outdir = mkdtempSync(join(cache, 'wherry-trial-'))
  await build({
    entryPoints: { script, 'sandbox-worker': join(source, 'sandbox/worker/main.ts') },
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
