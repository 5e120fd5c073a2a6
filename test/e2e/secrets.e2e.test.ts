/** Secrets and ssh keys: a build that is given every kind of them, and no trace of any value in anything that it leaves or says. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, utimesSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lacks, missingTools, noFullMap, noUserNamespace } from '../support/need.ts'
import { type Values, argumentsOfAll, bytesOf, foundIn } from '../support/secret-search.ts'
import { type Home, type Ran, finished, newHome } from '../support/wherry.ts'

const isMissing =
  lacks('userns', noUserNamespace()) ||
  lacks('tools', missingTools('tar', 'unshare', 'ssh-agent', 'ssh-add', 'ssh-keygen'))
const modes = [
  ['mapped', isMissing || lacks('mapped', noFullMap())],
  ['single', isMissing],
] as const

const random = (): string => randomBytes(24).toString('base64url')
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** What the build must not tell, and the folder with the files that it is given. */
interface Given {
  readonly dir: string
  readonly values: Values
  readonly agent: ChildProcess
}

async function give(): Promise<Given> {
  const dir = await mkdtemp(join(tmpdir(), 'wherry-given-'))
  const secrets: Record<string, Buffer> = {
    file: Buffer.from(random()),
    variable: Buffer.from(random()),
    both: Buffer.from(random()),
    lines: Buffer.from(`${random()}\n"${random()}"\\\t${random()}\n\n`),
    bytes: randomBytes(64),
    proxy: Buffer.from(random()),
  }
  for (const [name, value] of Object.entries(secrets)) await writeFile(join(dir, name), value)
  for (const name of ['agent-key', 'own-key'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', join(dir, name)])
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'locked', '-f', join(dir, 'locked-key')])
  const socket = join(dir, 'agent')
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
  while (!existsSync(socket)) await delay(10)
  execFileSync('ssh-add', ['-q', join(dir, 'agent-key')], { env: { ...process.env, SSH_AUTH_SOCK: socket } })
  return { dir, agent, values: { ...secrets, ...keyValues(dir, 'agent-key'), ...keyValues(dir, 'own-key') } }
}

/** The lines of a key file that only a key has, and the bytes of the key itself, which an agent holds. */
function keyValues(dir: string, name: string): Values {
  const lines = readFileSync(join(dir, name), 'utf8').split('\n').slice(1, -2)
  const body = Buffer.from(lines.join(''), 'base64')
  // The last field but the comment: 64 bytes, of which the first half is secret.
  const seed = body.subarray(body.lastIndexOf(Buffer.from([0, 0, 0, 64])) + 4).subarray(0, 32)
  const whole = lines.slice(-2).map((line, i) => [`${name}, line ${i}`, Buffer.from(line)] as const)
  return { ...Object.fromEntries(whole), [name]: seed }
}

const mounts = [
  '--mount=type=secret,id=file',
  '--mount=type=secret,id=variable,env=TOKEN',
  '--mount=type=secret,id=both,env=BOTH,target=/etc/both,mode=0444',
  '--mount=type=secret,id=lines,env=LINES_OF_IT',
  '--mount=type=secret,source=bytes,target=relative/bytes,required',
  '--mount=type=ssh,required',
  '--mount=type=ssh,id=own,target=/run/own.sock',
  '--mount=type=cache,target=/cache',
].join(' ')

/** A script that fails unless everything is there, and writes to layer and cache mount. */
function use(values: Values): string {
  const is = (from: string, name: string): string =>
    `test "$(${from} | sha256sum)" = "${sha256(values[name] ?? Buffer.alloc(0))}  -"`
  return [
    is('cat /run/secrets/file', 'file'),
    is('printf %s "$TOKEN"', 'variable'),
    is('printf %s "$BOTH"', 'both'),
    is('cat /etc/both', 'both'),
    is('printf %s "$LINES_OF_IT"', 'lines'),
    is('cat /relative/bytes', 'bytes'),
    'ssh-add -L | grep agent-key',
    'SSH_AUTH_SOCK=/run/own.sock ssh-add -L | grep own-key >> /used',
    'echo used | tee -a /used /cache/used',
  ].join(' && ')
}

describe.each(modes)('secrets in %s mode', (isolation, skipped) => {
  let home: Home
  /** Where the program puts its temporary files; nothing else is there. */
  let temp: string
  let given: Given
  let options: string[]
  /** All that was said. */
  const said: string[] = []

  const started: ChildProcess[] = []

  const note = (ran: Ran): Ran => {
    said.push(ran.stdout, ran.stderr)
    return ran
  }
  /** Writes the Dockerfile and gives the command. */
  const build = async (dockerfile: readonly string[], args: readonly string[] = []): Promise<string[]> => {
    const context = join(home.dir, 'context')
    await writeFile(join(context, 'Dockerfile'), dockerfile.join('\n'))
    return ['build', '--debug', '--explain', '--isolation', isolation, ...options, ...args, context]
  }
  const attempt = async (dockerfile: readonly string[], args: readonly string[] = []): Promise<Ran> =>
    note(await home.run(await build(dockerfile, args)))

  beforeAll(async () => {
    if (skipped) return
    given = await give()
    temp = await mkdtemp(join(tmpdir(), 'wherry-temp-'))
    home = await newHome({
      TMPDIR: temp,
      TOKEN_HERE: given.values['variable']!.toString(),
      LINES_HERE: given.values['lines']!.toString(),
      both: given.values['both']!.toString(),
      HTTP_PROXY: `http://user:${given.values['proxy']!.toString()}@127.0.0.1:9`,
      SSH_AUTH_SOCK: join(given.dir, 'agent'),
    })
    await mkdir(join(home.dir, 'context'))
    const tools = ['sh', 'cat', 'sha256sum', 'tee', 'grep', 'sleep', 'ssh-add', 'env', 'base64', 'od', 'tr']
    await home.ok('base', 'host', '-t', 'tools', ...tools)
    options = [
      `--secret=id=file,src=${given.dir}/file`,
      '--secret=id=variable,env=TOKEN_HERE',
      '--secret=id=both',
      '--secret=type=env,id=lines,env=LINES_HERE',
      `--secret=type=file,id=bytes,src=${given.dir}/bytes`,
      '--build-arg=HTTP_PROXY',
      '--ssh=default',
      `--ssh=own=${given.dir}/own-key`,
    ]
  })
  afterAll(async () => {
    if (skipped) return
    given.agent.kill()
    for (const child of started) child.kill('SIGKILL')
    await home.remove()
    for (const dir of [given.dir, temp]) await rm(dir, { recursive: true })
  })
  const everything = (): Buffer => Buffer.concat([bytesOf(home.dir), bytesOf(temp), Buffer.from(said.join('\n'))])
  const dockerfile = (): string[] => [
    'FROM tools AS first',
    `RUN ${mounts} ${use(given.values)}`,
    'FROM tools',
    'COPY --from=first /used /',
    'LABEL made=here',
    `RUN ${mounts} ${use(given.values)}`,
  ]

  it.skipIf(skipped)('are used, and leave no trace in any way of building and showing it', async () => {
    const out = await mkdtemp(join(home.dir, 'out-'))
    const outputs = [
      ...[`type=oci,dest=${out}/oci.tar`, `type=docker,dest=${out}/docker.tar,compression=zstd`],
      ...[`type=tar,dest=${out}/root.tar`, `type=local,dest=${out}/root`],
    ].map((value) => `--output=${value}`)
    const files = [`--metadata-file=${out}/metadata`, `--iidfile=${out}/iid`]
    for (const progress of ['plain', 'json', 'classic', 'tty', 'quiet', 'auto']) {
      const args = ['-t', 'made', '--no-cache', `--progress=${progress}`]
      // What is written out does not hang on what is said, and takes long to search.
      const ran = await attempt(dockerfile(), progress === 'json' ? [...args, ...outputs, ...files] : args)
      expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    }
    expect((await attempt(dockerfile(), ['-t', 'made'])).code).toBe(0)
    for (const command of [['history', 'made'], ['history', '--no-trunc', 'made'], ['inspect', 'made'], ['images']])
      expect(note(await home.run(command)).code).toBe(0)
    expect(said.join('')).toContain('used')
    expect(foundIn(everything(), given.values)).toEqual([])
    await rm(out, { recursive: true })
  })

  it.skipIf(skipped)('are not in the errors of steps that fail', async () => {
    for (const progress of ['plain', 'json', 'classic', 'tty', 'quiet']) {
      const step = `RUN ${mounts} ${use(given.values)} && exit 3`
      expect((await attempt(['FROM tools', step], [`--progress=${progress}`])).code).toBe(1)
    }
    const wrong: (readonly [mount: string, args: readonly string[], error: RegExp])[] = [
      ['type=secret,id=bytes,env=X', [], /the secret bytes cannot be a variable: it is not text/],
      ['type=secret,id=file,target=/proc/x', [], /invalid mount target "\/proc\/x"/],
      ['type=secret,id=file,target=/etc/passwd/x', [], /\/etc\/passwd\/x of the image cannot be a mount point/],
      ['type=secret,id=file,uid=4294967294', [], /4294967294/],
      ['type=secret,id=none,required', [], /secret none: not found/],
      ['type=ssh,id=none,required', [], /no ssh agent none is forwarded/],
      ['type=ssh,id=key', [`--ssh=key=${given.dir}/file`], /the ssh key .*\/file cannot be used: /],
      ['type=ssh,id=key', [`--ssh=key=${given.dir}/locked-key`], /locked-key cannot be used: it has a passphrase/],
    ]
    for (const [mount, args, error] of wrong) {
      const ran = await attempt(['FROM tools', `RUN --mount=${mount} true`], args)
      // In single mode every id is the one that there is.
      if (!(isolation === 'single' && mount.includes('uid='))) expect([mount, ran.code]).not.toEqual([mount, 0])
      if (ran.code !== 0) expect(ran.stderr).toMatch(error)
    }
    expect(foundIn(everything(), given.values)).toEqual([])
    expect(leftInTemp()).toEqual([])
  })

  /** Starts a build whose step sleeps, and resolves when it does. */
  const sleeping = async (): Promise<{ child: ChildProcess; ended: Promise<Ran> }> => {
    const step = `RUN ${mounts} ${use(given.values)} && echo now asleep && sleep 1000`
    const child = home.start(await build(['FROM tools', step], ['--progress=plain']))
    started.push(child)
    const ended = finished(child).then(note)
    let text = ''
    await new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (chunk: Buffer) => {
          text += chunk.toString()
          if (/^\S+ \S+ now asleep$/m.test(text)) resolve()
        })
      child.once('exit', () => reject(new Error(text)))
    })
    return { child, ended }
  }
  const leftInTemp = (): string[] => {
    return readdirSync(temp)
  }
  const processes = (): string[] => argumentsOfAll().filter((line) => line.includes(home.dir) || line.includes(temp))

  it.skipIf(skipped)('are not in the arguments of programs, and nothing is left after Ctrl-C', async () => {
    const { child, ended } = await sleeping()
    const now = argumentsOfAll()
    expect(now.filter((line) => line.includes(home.dir)).length).toBeGreaterThan(2)
    expect(foundIn(Buffer.from(now.join('\n'), 'latin1'), given.values)).toEqual([])
    child.kill('SIGINT')
    expect((await ended).code).not.toBe(0)
    await expect.poll(processes, { timeout: 3000 }).toEqual([])
    expect(leftInTemp()).toEqual([])
    expect(foundIn(everything(), given.values)).toEqual([])
  })

  it.skipIf(skipped)('leave no trace after kill -9 in the middle of a step', async () => {
    const { child, ended } = await sleeping()
    child.kill('SIGKILL')
    await ended
    await expect.poll(processes, { timeout: 3000 }).toEqual([])
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(home.dir)
    expect(foundIn(everything(), given.values)).toEqual([])

    // What is left are names of sockets, which a later build sweeps.
    const left = leftInTemp().map((name) => join(temp, name))
    expect(left.length).toBeGreaterThan(0)
    for (const folder of left) utimesSync(folder, 0, 0)
    expect((await attempt(dockerfile(), ['--no-cache'])).code).toBe(0)
    expect(leftInTemp()).toEqual([])
    expect(foundIn(everything(), given.values)).toEqual([])
  })

  it.skipIf(skipped)('are found by this search where a step puts them', async () => {
    const copies = [
      'cat /run/secrets/file > /cache/raw',
      'printf %s "$TOKEN" | base64 > /base64',
      '(printf x; cat /relative/bytes) | od -An -tx1 -v | tr -d " \\n"',
      'printf %s "$LINES_OF_IT"',
    ]
    expect((await attempt(['FROM tools', `RUN ${mounts} ${copies.join(' && ')}`], ['--progress=json'])).code).toBe(0)
    const found = foundIn(everything(), given.values)
    expect(found).toEqual(
      expect.arrayContaining(['file in raw', 'variable in base64+0', 'bytes in hex', 'lines in JSON']),
    )
  })
})
