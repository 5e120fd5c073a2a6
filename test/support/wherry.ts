/** Runs the bundled program as a user would, with a home, a store and credentials of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const program = join(import.meta.dirname, '..', '..', 'bin', 'wherry.js')

/** The repository's fixtures. */
export const fixtures: string = join(import.meta.dirname, '..', '..', 'fixtures')

/** How a run of the program ended. */
export interface Ran {
  /** Exit code; 128 + n for signal n. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** What a run may be given. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  readonly input?: string | Buffer
}

/** A private home. */
export interface Home {
  /** A temp folder; the store is below it. */
  readonly dir: string
  readonly store: string
  /** Runs wherry to its end, whatever its exit code. */
  run(args: readonly string[], options?: RunOptions): Promise<Ran>
  /** Runs wherry and gives its standard output, trimmed. @throws Error with all output if it fails */
  ok(...args: readonly string[]): Promise<string>
  /** Starts wherry and does not wait. */
  start(args: readonly string[], options?: RunOptions): ChildProcess
  /** Removes everything, files of other ids included. */
  remove(): Promise<void>
}

/** A fresh home. `env` goes to every run in it. */
export async function newHome(env: Readonly<Record<string, string>> = {}): Promise<Home> {
  const dir = await mkdtemp(join(tmpdir(), 'wherry-e2e-'))
  const store = join(dir, 'store')
  const start: Home['start'] = (args, options = {}) =>
    spawn(process.execPath, [program, ...args], {
      cwd: options.cwd ?? dir,
      env: {
        ...cleanEnvironment(),
        HOME: dir,
        XDG_DATA_HOME: join(dir, 'data'),
        WHERRY_ROOT: undefined,
        ...env,
        ...options.env,
      },
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
  const run: Home['run'] = async (args, options = {}) => {
    const child = start(withRoot(args, store), options)
    child.stdin?.end(options.input)
    return await finished(child)
  }
  return {
    dir,
    store,
    start: (args, options) => start(withRoot(args, store), options),
    run,
    async ok(...args) {
      const ran = await run(args)
      if (ran.code !== 0) throw new Error(`wherry ${args.join(' ')} ended with ${ran.code}\n${ran.stdout}${ran.stderr}`)
      return ran.stdout.trim()
    },
    async remove() {
      // Unpacked files have other owners; wherry itself can always delete them.
      if ((await run(['ps', '-aq'])).stdout !== '') await run(['rm', '--all', '--force', '--volumes'])
      const ids = (await run(['images', '-q'])).stdout.split('\n').filter(Boolean)
      if (ids.length > 0) await run(['rmi', '--force', ...ids])
      await run(['prune', '--all', '--force'])
      await removeTree(dir)
    },
  }
}

/** `--root` goes behind the command's name, which may be of two words. */
function withRoot(args: readonly string[], store: string): string[] {
  const firstOption = args.findIndex((arg) => arg.startsWith('-'))
  const twoWords = ['base', 'registry', 'system', 'image', 'cache', 'container', 'manifest'].includes(args[0] ?? '')
  const at = Math.min(twoWords ? 2 : 1, firstOption < 0 ? args.length : firstOption)
  return [...args.slice(0, at), '--root', store, ...args.slice(at)]
}

/** The environment without what would change wherry's ways. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const names = [
    'XDG_RUNTIME_DIR',
    'XDG_CONFIG_HOME',
    'DOCKER_CONFIG',
    'REGISTRY_AUTH_FILE',
    'SOURCE_DATE_EPOCH',
    'NO_COLOR',
  ]
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !names.includes(name)))
}

/** Waits for a child and gathers its output. */
export async function finished(child: ChildProcess): Promise<Ran> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk))
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return {
    code: code ?? 128 + (signal === 'SIGKILL' ? 9 : 15),
    stdout: Buffer.concat(stdout).toString(),
    stderr: Buffer.concat(stderr).toString(),
  }
}

/** Deletes a folder; what belongs to subordinate ids is deleted inside a namespace that maps them. */
export async function removeTree(dir: string): Promise<void> {
  try {
    await rm(dir, { recursive: true, force: true })
  } catch {
    const inside = ['--user', '--map-root-user', '--map-auto', 'rm', '-rf', dir]
    await once(spawn('unshare', inside, { stdio: 'ignore' }), 'close')
    await rm(dir, { recursive: true, force: true })
  }
}

/** A TCP port of loopback that nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** A running `wherry registry serve`. */
export interface ServedRegistry {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  stop(): Promise<void>
  /** Ends it with SIGKILL. */
  kill(): Promise<void>
}

/** Starts the embedded registry with a store of its own below `home`, on a free port or where it was. */
export async function serveRegistry(home: Pick<Home, 'dir'>, before?: string): Promise<ServedRegistry> {
  const address = before ?? `127.0.0.1:${await freePort()}`
  const root = join(home.dir, 'registry')
  await mkdir(root, { recursive: true })
  const child = spawn(process.execPath, [program, 'registry', 'serve', '--root', root, '--listen', address], {
    stdio: 'ignore',
  })
  const ended = once(child, 'close')
  await answering(`http://${address}/v2/`, child)
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal)
    await ended
  }
  return { address, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`the server of ${url} ended with ${child.exitCode}`)
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    )
    if (ok) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${url} does not answer`)
}
