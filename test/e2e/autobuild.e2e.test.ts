/** Automatic builds through the program: a git server whose hooks tell of pushes, a registry in which the images arrive. */
import { type ChildProcess, execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { type Server, type ServerResponse, createServer } from 'node:http'
import { get } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildSync } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type GitServer, type TestRepository, newRepository, serveGit } from '../support/git-server.ts'
import { makeCertificates } from '../support/certificates.ts'
import { lacks, missingTools } from '../support/need.ts'
import { type Moved, type Posting, type Sender, post, posting } from '../support/webhooks.ts'
import { type Home, type ServedRegistry, freePort, newHome, serveRegistry } from '../support/wherry.ts'

const isMissing = lacks('tools', missingTools('git'))
const secret = 'hook-secret-of-the-test'
const zeros = '0'.repeat(40)

interface Build {
  readonly id: string
  readonly ref: string
  readonly status: string
  readonly attempts: number
  readonly commit?: string
  readonly digest?: string
  readonly message?: string
  readonly startedAt: string
  readonly endedAt: string
}

describe.skipIf(isMissing)('wherry autobuild', () => {
  let home: Home
  let git: GitServer
  let registry: ServedRegistry
  let sender: string
  /** A file that takes as long as the test wants. */
  let slow: { readonly url: string; readonly held: ServerResponse[]; isOpen: boolean; readonly server: Server }
  let server: { child: ChildProcess; url: string } | undefined

  beforeAll(async () => {
    home = await newHome()
    git = await serveGit(join(home.dir, 'repositories'))
    registry = await serveRegistry(home)
    sender = join(home.dir, 'webhooks.mjs')
    const entry = join(import.meta.dirname, '../support/webhooks.ts')
    buildSync({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', outfile: sender })
    slow = await slowFile()
  })
  afterEach(async () => {
    await stop('SIGTERM')
    slow.isOpen = true
    for (const response of slow.held.splice(0)) response.end('slow')
  })
  afterAll(async () => {
    slow.server.closeAllConnections()
    slow.server.close()
    await registry.stop()
    await git.close()
    await home.remove()
  })

  const stateDir = (): string => join(home.store, 'autobuild-v1')
  const builds = (repository: string): Build[] =>
    readdirSync(join(stateDir(), 'builds'))
      .sort()
      .filter((name) => name.endsWith('.json'))
      .map(
        (name) => JSON.parse(readFileSync(join(stateDir(), 'builds', name), 'utf8')) as Build & { repository: string },
      )
      .filter((one) => one.repository === repository)

  const eventually = async <T>(
    what: string,
    look: () => T | undefined | Promise<T | undefined>,
    ms = 20_000,
  ): Promise<T> => {
    for (const end = Date.now() + ms; ; ) {
      const found = await look()
      if (found !== undefined) return found
      if (Date.now() > end) throw new Error(`never: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const builtAs = (repository: string, status: string, count = 1): Promise<Build[]> =>
    eventually(`${count} ${status} of ${repository}`, () => {
      const found = builds(repository).filter((one) => one.status === status)
      return found.length >= count ? found : undefined
    })
  const inRegistry = async (name: string, tag: string): Promise<string | undefined> => {
    const response = await fetch(`http://${registry.address}/v2/${name}/manifests/${tag}`, { method: 'HEAD' })
    return response.headers.get('docker-content-digest') ?? undefined
  }

  /** Writes a configuration with one repository, or with none. */
  const configure = (name: string, rules: string, more = ''): string => {
    const file = join(home.dir, 'autobuild.yaml')
    writeFileSync(join(home.dir, 'secret'), `${secret}\n`)
    const repository = `  - name: ${name}
    git: ${git.origin}/smart/${name}.git
    image: ${registry.address}/acme/${name}
    rules: ${rules}
    ${more}
`
    writeFileSync(file, rules === '' ? 'repositories: []\n' : `repositories:\n${repository}`)
    return file
  }
  const start = async (file: string, ...args: string[]): Promise<string> => {
    const child = home.start(['autobuild', '--config', file, '--listen', '127.0.0.1:0', ...args])
    let said = ''
    child.stderr?.on('data', (text: Buffer) => (said += text.toString()))
    const url = await eventually(`a server: ${said}`, () => {
      if (child.exitCode !== null) throw new Error(`autobuild ended: ${said}`)
      return /hooks.* at (http\S+)/.exec(said)?.[1]
    })
    server = { child, url }
    return url
  }
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    const running = server
    server = undefined
    if (running === undefined) return
    const ended = once(running.child, 'close')
    running.child.kill(signal)
    expect((await ended)[0]).toBe(signal === 'SIGKILL' ? null : 0)
  }

  const repositoryOf = (name: string, dockerfile = 'FROM scratch\nCOPY a.txt /\n'): TestRepository => {
    const repository = newRepository(join(home.dir, 'repositories', `${name}.git`))
    repository.git('config', 'http.receivepack', 'true')
    repository.commit({ 'a.txt': 'first', Dockerfile: dockerfile })
    return repository
  }
  /** A hook as a host has it, which tells the server of every push. */
  const tells = (repository: TestRepository, host: Sender, url: string): void => {
    const hook = join(repository.dir, 'hooks', 'post-receive')
    mkdirSync(join(repository.dir, 'hooks'), { recursive: true })
    writeFileSync(hook, `#!/bin/sh\nexec '${process.execPath}' '${sender}' ${host} ${url} ${secret}\n`)
    chmodSync(hook, 0o755)
  }
  /** Commits in a clone and pushes over HTTP; the commit. */
  const push = async (name: string, text: string, ref = 'main'): Promise<string> => {
    const clone = mkdtempSync(join(home.dir, 'clone-'))
    // Not synchronously: the server is in this process.
    const run = async (...args: string[]): Promise<string> => {
      const env = { PATH: process.env['PATH'], HOME: home.dir, GIT_TERMINAL_PROMPT: '0' }
      const all = ['-C', clone, '-c', 'user.name=A', '-c', 'user.email=a@h', ...args]
      return (await promisify(execFile)('git', all, { env, timeout: 20_000 })).stdout.trim()
    }
    await run('clone', '-q', `${git.origin}/smart/${name}.git`, '.')
    writeFileSync(join(clone, 'a.txt'), text)
    await run('commit', '-qam', text)
    const isTag = ref.startsWith('v')
    if (isTag) await run('tag', '-a', '-m', text, ref)
    await run('push', '-q', 'origin', isTag ? ref : `HEAD:${ref}`)
    return run('rev-parse', 'HEAD')
  }

  it.each<[Sender, string, string]>([
    ['github', 'main', 'latest'],
    ['gitlab', 'v1.2.3', '1.2'],
    ['gitea', 'main', 'latest'],
    ['bitbucket', 'v2.0.1', '2.0'],
  ])('builds what a push tells of: %s, %s', async (host, ref, tag) => {
    const repository = repositoryOf(host)
    const rules = `[{branch: main}, {tag: '/v(\\d+)\\.(\\d+)\\..*/', image-tag: '{\\1}.{\\2}'}]`
    const url = await start(configure(host, rules, `host: ${host}\n    secret-file: secret`))
    const [first] = await builtAs(host, 'done')
    expect(await inRegistry(`acme/${host}`, 'latest')).toBe(first!.digest)
    tells(repository, host, `${url}/hooks/${host}`)
    const commit = await push(host, `pushed to ${host}`, ref)
    const pushed = performance.now()
    const arrived = await eventually(`acme/${host}:${tag}`, async () => {
      const digest = await inRegistry(`acme/${host}`, tag)
      return digest === undefined || digest === first!.digest ? undefined : digest
    })
    const waited = performance.now() - pushed
    const [, second] = await builtAs(host, 'done', 2)
    expect(second).toMatchObject({ commit, digest: arrived, attempts: 1 })
    expect(waited).toBeLessThan(Date.parse(second!.endedAt) - Date.parse(second!.startedAt) + 1000)
    const page = await (await fetch(`${url}/builds/${second!.id}`)).text()
    expect(page).toContain(`docker pull ${registry.address}/acme/${host}:${tag}`)
    expect(page).toContain('COPY a.txt /')
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok', running: 0, waiting: 0 })
  })

  it('takes nothing that is forged, sent again, too large or malformed', async () => {
    repositoryOf('guarded')
    const url = await start(configure('guarded', '[{branch: main}]', 'host: github\n    secret-file: secret'))
    await builtAs('guarded', 'done')
    const hook = `${url}/hooks/guarded`
    const moved: Moved = { before: zeros, after: 'a'.repeat(40), ref: 'refs/heads/main' }
    const statusOf = async (given: Posting): Promise<number> => (await post(hook, given)).status
    const good = posting('github', moved, secret)
    expect(await statusOf({ ...good, body: good.body.replace('ada', 'eve') })).toBe(401)
    expect(await statusOf(posting('github', moved, 'another secret'))).toBe(401)
    expect(await statusOf(posting('bitbucket', moved, secret))).toBe(401)
    expect(await statusOf(posting('github', { ...moved, ref: 'main' }, secret))).toBe(400)
    expect((await fetch(hook)).status).toBe(405)
    expect((await post(`${url}/hooks/other`, good)).status).toBe(404)
    expect(await statusOf(good)).toBe(202)
    expect(await statusOf(good)).toBe(409)
    expect(await statusOf({ ...good, headers: { ...good.headers, 'x-github-delivery': 'another' } })).toBe(409)
    expect(
      await answerTo(url, `POST /hooks/guarded HTTP/1.1\r\nhost: h\r\ncontent-length: ${2 ** 30}\r\n\r\n`),
    ).toMatch(/^HTTP\/1\.1 413 /)
    await stop('SIGTERM')
    // What was taken is remembered over restarts; it built nothing, since the branch is where it was.
    const again = `${await start(join(home.dir, 'autobuild.yaml'))}/hooks/guarded`
    expect((await post(again, good)).status).toBe(409)
    await builtAs('guarded', 'unchanged')
    expect(builds('guarded').length).toBe(2)
  })

  it('goes on with what it was killed in, and with what waited', async () => {
    const repository = repositoryOf('killed', `FROM scratch\nCOPY a.txt /\nADD ${slow.url} /\n`)
    repository.git('branch', 'next', 'main')
    slow.isOpen = false
    const file = configure('killed', `[{branch: main}, {branch: next, image-tag: next}]`)
    await start(file, '--jobs=1')
    await eventually('a build that hangs', () => slow.held[0])
    await stop('SIGKILL')
    expect(builds('killed').map(({ status }) => status)).toEqual(['running', 'waiting'])
    // The build that ran has ended too: nobody asks for the file any more.
    await eventually('the end of the orphan', () => slow.held.every(({ destroyed }) => destroyed) || undefined)
    slow.isOpen = true
    await start(file, '--jobs=1')
    const done = await builtAs('killed', 'done', 2)
    expect(done.map(({ attempts }) => attempts)).toEqual([2, 1])
    expect(await inRegistry('acme/killed', 'latest')).toBe(done[0]!.digest)
    expect(await inRegistry('acme/killed', 'next')).toBe(done[1]!.digest)
  })

  it('replaces what waits by what is newer, and stops with its rule', async () => {
    const repository = repositoryOf('queue', `FROM scratch\nADD ${slow.url} /\nCOPY a.txt /\n`)
    slow.isOpen = false
    const more = 'host: gitea\n    secret-file: secret'
    const url = await start(configure('queue', '[{branch: main}]', more))
    tells(repository, 'gitea', `${url}/hooks/queue`)
    await eventually('a build that hangs', () => slow.held[0])
    await push('queue', 'second')
    await push('queue', 'third')
    await eventually('a replaced one', () => builds('queue').find(({ status }) => status === 'replaced'))
    expect(builds('queue').map(({ status }) => status)).toEqual(['running', 'replaced', 'waiting'])
    configure('queue', '[{branch: other}]', more)
    await builtAs('queue', 'stopped', 2)
    expect(builds('queue').map(({ message }) => message)).toEqual(
      ['its rule was removed', 'build 000003 is newer', 'its rule was removed'].map((text) =>
        text.replace('000003', builds('queue')[2]!.id),
      ),
    )
    slow.isOpen = true
    configure('queue', '[{branch: main, image-tag: again}]', more)
    expect((await builtAs('queue', 'done'))[0]).toMatchObject({ cause: 'added' })
    await eventually('nothing to do', async () => {
      const { running, waiting } = (await (await fetch(`${url}/healthz`)).json()) as Record<string, number>
      return running === 0 && waiting === 0 ? true : undefined
    })
  })

  it('--once builds what has moved and ends, --poll sees it by itself', async () => {
    const repository = repositoryOf('once')
    const file = configure('once', '[{branch: "rel/*", image-tag: "{sourceref}"}, {branch: main}]')
    repository.git('branch', 'rel/a', 'main')
    const run = async (): Promise<number> => (await home.run(['autobuild', '--config', file, '--once'])).code
    expect(await run()).toBe(0)
    expect(builds('once').map(({ status, ref }) => [status, ref])).toEqual([
      ['done', 'refs/heads/rel/a'],
      ['done', 'refs/heads/main'],
    ])
    expect(await inRegistry('acme/once', 'rel-a')).toBeDefined()
    expect(await run()).toBe(0)
    expect(builds('once').length).toBe(2)
    repository.commit({ Dockerfile: 'FROM scratch\nCOPY nothing /\n' })
    expect(await run()).toBe(1)
    expect(builds('once').at(-1)).toMatchObject({ status: 'failed' })
    await start(file, '--poll', '1s')
    repository.commit({ 'a.txt': 'mended', Dockerfile: 'FROM scratch\nCOPY a.txt /\n' })
    const done = await builtAs('once', 'done', 3)
    expect(await inRegistry('acme/once', 'latest')).toBe(done[2]!.digest)
  })

  it('alone pushes to a repository that is reserved for it', async () => {
    repositoryOf('alone')
    const token = join(home.dir, 'token')
    const port = await freePort()
    const reserving = ['--autobuild-only', 'acme/alone', '--autobuild-token', token]
    const child = home.start(['registry', 'serve', '--listen', `127.0.0.1:${port}`, ...reserving])
    try {
      const url = `http://127.0.0.1:${port}/v2`
      await eventually('a registry', () =>
        fetch(`${url}/`)
          .then(({ ok }) => ok || undefined)
          .catch(() => undefined),
      )
      const context = mkdtempSync(join(home.dir, 'context-'))
      writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n')
      const pushed = await home.run(['build', '--push', '-t', `127.0.0.1:${port}/acme/alone:mine`, context])
      expect([pushed.code, /only automatic builds push/.test(pushed.stderr)]).toEqual([1, true])
      expect((await home.run(['build', '--push', '-t', `127.0.0.1:${port}/acme/other`, context])).code).toBe(0)
      const file = configure('alone', '[{branch: main}]', 'push-token-file: token')
      writeFileSync(file, readFileSync(file, 'utf8').replace(registry.address, `127.0.0.1:${port}`))
      expect((await home.run(['autobuild', '--config', file, '--once'])).code).toBe(0)
      expect((await fetch(`${url}/acme/alone/manifests/latest`)).status).toBe(200)
      expect((await fetch(`${url}/acme/alone/manifests/latest`, { method: 'DELETE' })).status).toBe(401)
      chmodSync(token, 0o644)
      expect((await home.run(['autobuild', '--config', file, '--once'])).stderr).toContain('can be read by others')
    } finally {
      child.kill()
      await once(child, 'close')
    }
  })

  it.skipIf(lacks('tools', missingTools('openssl')))('serves https, and pages elsewhere than hooks', async () => {
    const files = makeCertificates(mkdtempSync(join(home.dir, 'certificates-')))
    const pages = `127.0.0.1:${await freePort()}`
    const tls = ['--tls-cert', files.serverCertificate, '--tls-key', files.serverKey]
    repositoryOf('secure')
    const config = configure('secure', '[{branch: main}]', 'host: github\n    secret-file: secret')
    const url = await start(config, '--pages-listen', pages, ...tls)
    const statusOf = (address: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        get(address, { ca: readFileSync(files.authority) }, (response) => {
          response.resume()
          resolve(response.statusCode)
        }).on('error', reject)
      })
    const asked = [
      `${url}/`,
      `${url}/healthz`,
      `${url}/hooks/secure`,
      `https://${pages}/`,
      `https://${pages}/hooks/secure`,
    ]
    expect(await Promise.all(asked.map(statusOf))).toEqual([404, 200, 405, 200, 404])
    await expect(fetch(url.replace('https', 'http'))).rejects.toThrow()
  })

  it('docs/autobuild.md has a configuration that builds', async () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/autobuild.md'), 'utf8')
    const [, body = ''] = /^```yaml\n(.*?)^```/ms.exec(text) ?? []
    const repository = repositoryOf('app')
    repository.git('tag', 'v1.4.2', 'main')
    writeFileSync(join(home.dir, 'webhook-secret'), secret)
    const file = join(home.dir, 'autobuild.yaml')
    const places = { 'https://git.example.com/team': `${git.origin}/smart`, 'registry.example.com': registry.address }
    writeFileSync(
      file,
      Object.entries(places).reduce((config, [a, b]) => config.replaceAll(a, b), body),
    )
    const commands = [...text.matchAll(/^npx wherry (autobuild .*--once)$/gm)].map(([, args = '']) => args.split(' '))
    expect(commands.length).toBe(1)
    for (const args of commands) expect((await home.run(args)).code).toBe(0)
    expect(builds('app').map(({ ref, status }) => [ref, status])).toEqual([
      ['refs/heads/main', 'done'],
      ['refs/tags/v1.4.2', 'done'],
    ])
    for (const tag of ['latest', '1.4.2', '1.4']) expect(await inRegistry('team/app', tag)).toBeDefined()
  })

  /** Sends bytes over a bare connection and waits for the answer or its end. */
  const answerTo = async (url: string, text: string): Promise<string> => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.write(text)
    socket.on('error', () => undefined)
    let answer = ''
    socket.on('data', (bytes: Buffer) => (answer += bytes.toString()))
    await once(socket, 'close')
    return answer
  }

  const slowFile = async (): Promise<typeof slow> => {
    const held: ServerResponse[] = []
    const state = { url: '', held, isOpen: true, server: createServer() }
    state.server.on('request', (_request, response: ServerResponse) => {
      if (state.isOpen) response.end('slow')
      else held.push(response)
    })
    await new Promise<void>((resolve) => state.server.listen(0, '127.0.0.1', resolve))
    state.url = `http://127.0.0.1:${(state.server.address() as AddressInfo).port}/slow`
    return state
  }
})
