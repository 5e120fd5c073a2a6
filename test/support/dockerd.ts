/** A docker daemon of a test's own: private folders, no network of its own, gone with the test. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { missingTools } from './need.ts'
import { type Ran, finished } from './wherry.ts'

/** Why no such daemon can be started, or undefined. */
export function noDockerd(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may start a docker daemon'
  return missingTools('dockerd', 'docker', 'containerd', 'runc', 'setpriv')
}

/** A running daemon. */
export interface Dockerd {
  /** Runs the docker client to its end, whatever its exit code. */
  docker(this: void, ...args: readonly string[]): Promise<Ran>
  /** Ends the daemon and removes all that it had. */
  stop(this: void): Promise<void>
}

const patienceMs = 60_000
const pollMs = 200

/**
 * Starts a daemon.
 * @param remap a user with subordinate ids: every container then has a user namespace of these ids (`hostUsers: false`)
 * @throws Error with its log if it does not answer
 */
export async function startDockerd(remap?: string): Promise<Dockerd> {
  const dir = mkdtempSync(join(tmpdir(), 'wherry-dockerd-'))
  chmodSync(dir, 0o711) // Root of a container with ids of its own has to pass.
  const log = join(dir, 'log')
  const host = `unix://${dir}/socket`
  const output = openSync(log, 'w')
  const folders = ['--data-root', join(dir, 'data'), '--exec-root', join(dir, 'exec'), '--pidfile', join(dir, 'pid')]
  const network = [
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    ...(remap === undefined ? [] : [`--userns-remap=${remap}`]),
  ]
  // It ends with the test, however that ends.
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'TERM', 'dockerd', ...folders, ...network, '--host', host, '--log-level', 'warn'],
    {
      stdio: ['ignore', output, output],
    },
  )
  const docker: Dockerd['docker'] = (...args) =>
    finished(spawn('docker', ['--host', host, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }))
  const stop = async (): Promise<void> => {
    await ended(child)
    for (const point of mountPointsBelow(dir)) execFileSync('umount', ['--lazy', point])
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: pollMs })
  }
  for (let waited = 0; waited < patienceMs && child.exitCode === null; waited += pollMs) {
    if ((await docker('info')).code === 0) return { docker, stop }
    await delay(pollMs)
  }
  const said = readFileSync(log, 'utf8')
  await stop()
  throw new Error(`dockerd does not answer: ${said.slice(-2000)}`)
}

/** What the daemon leaves mounted, the innermost first: proc_pid_mountinfo(5), field 5. */
function mountPointsBelow(dir: string): string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
  return points.filter((point) => point.startsWith(`${dir}/`)).reverse()
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}
