/** Secrets and ssh agents: steps get them, and nothing that wherry keeps or says holds them. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Builder, newBuilder, noStaticBusybox } from '../support/busybox-image.ts'
import { lacks, missingTools, noFullMap, noUserNamespace } from '../support/need.ts'
import { finished } from '../support/wherry.ts'

const isMissing =
  lacks('userns', noUserNamespace()) ||
  lacks('tools', noStaticBusybox() ?? missingTools('ssh-agent', 'ssh-add', 'ssh-keygen'))

const values = { file: 'fileValue-7Qz9Lr2x', variable: 'variableValue-4Kp8Wn3v', short: 'shortValue-6Ty1Bm5c' }

/** Each value as it is, and in base64 (whatever it begins behind) and hex. */
const needles = Object.values(values).flatMap((value) => [
  value,
  ...[0, 1, 2].map((shift) => base64Core(value, shift)),
  Buffer.from(value).toString('hex'),
])

function base64Core(value: string, shift: number): string {
  const text = Buffer.from('x'.repeat(shift) + value).toString('base64')
  return text.slice(shift === 0 ? 0 : 4, -4)
}

/** Uses each kind of secret without printing it. */
const use = [
  'RUN --mount=type=secret,id=file,required \\',
  '  --mount=type=secret,id=file,target=/etc/deep/token,mode=0440,uid=7,gid=8 \\',
  '  --mount=type=secret,id=variable,env=TOKEN \\',
  '  --mount=type=secret,id=SHORT,env=BOTH,target=/both \\',
  '  --mount=type=secret,id=absent \\',
  '  --mount=type=ssh --mount=type=ssh,id=key,target=/key.sock \\',
]

const sums = (name: keyof typeof values): string =>
  execFileSync('sha256sum', { input: values[name] }).toString().slice(0, 64)

const check = [
  '  sum() { sha256sum | cut -c1-64; } && \\',
  `  test $(sum < /run/secrets/file) = ${sums('file')} && test $(sum < /etc/deep/token) = ${sums('file')} && \\`,
  `  test $(printf %s "$TOKEN" | sum) = ${sums('variable')} && test ! -e /run/secrets/variable && \\`,
  `  test $(sum < /both) = ${sums('short')} && test $(printf %s "$BOTH" | sum) = ${sums('short')} && \\`,
  '  test ! -e /run/secrets/absent && test $(stat -c %a /run/secrets/file) = 400 && \\',
  '  test $(stat -c %a /etc/deep/token) = 440 && test "$SSH_AUTH_SOCK" = /run/buildkit/ssh_agent.0 && \\',
  '  test -S $SSH_AUTH_SOCK && test -S /key.sock',
]

describe.skipIf(isMissing).each(['mapped', 'single'])('secrets in %s mode', (isolation) => {
  const hasNoMap = isolation === 'mapped' && lacks('mapped', noFullMap())
  let builder: Builder
  let options: string[]
  let env: Record<string, string>
  const agents: (() => void)[] = []

  beforeAll(async () => {
    builder = await newBuilder()
    const { dir } = builder.home
    // Outside the store, and not where the search looks.
    const given = await mkdtemp(join(dir, 'given-'))
    await writeFile(join(given, 'secret'), values.file)
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(given, 'key')])
    const socket = join(given, 'agent')
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
    agents.push(() => agent.kill())
    while (!(await readdir(given)).includes('agent')) await new Promise((resolve) => setTimeout(resolve, 20))
    await builder.home.ok('base', 'host', '-q', '-t', 'tools', 'sh', 'ssh-add')
    execFileSync('ssh-add', ['-q', join(given, 'key')], { env: { ...process.env, SSH_AUTH_SOCK: socket } })
    env = { SSH_AUTH_SOCK: socket, VARIABLE: values.variable, SHORT: values.short }
    options = ['--isolation', isolation, `--secret=id=file,src=${given}/secret`, '--secret=id=variable,env=VARIABLE']
    options.push('--secret=id=SHORT', '--ssh=default', `--ssh=key=${given}/key`)
  })
  afterAll(async () => {
    for (const stop of agents) stop()
    await builder.home.remove()
  })

  async function build(lines: readonly string[], more: readonly string[] = [], from = 'box') {
    const context = await mkdtemp(join(builder.home.dir, 'context-'))
    await writeFile(join(context, 'Dockerfile'), `FROM ${from}\n${lines.join('\n')}\n`)
    return { args: ['build', ...options, ...more, context], context }
  }

  it.skipIf(hasNoMap)('are what was given, with their modes, and nothing keeps or tells them', async () => {
    const out = join(builder.home.dir, 'out')
    await mkdir(out)
    for (const progress of ['plain', 'json', 'classic', 'quiet']) {
      const shown = progress === 'quiet' ? ['-q'] : [`--progress=${progress}`]
      const output = `--output=type=oci,dest=${out}/${progress},tar=false`
      const { args } = await build([...use, ...check], ['--no-cache', ...shown, output])
      const ran = await builder.home.run(args, { env })
      expect(ran.code, ran.stderr).toBe(0)
      expectClean(Buffer.from(ran.stdout + ran.stderr), progress)
    }
    await expectNoTrace(out)
    await expectNoTrace(builder.home.store)
  })

  it.skipIf(hasNoMap)('are in no error of a step that fails', async () => {
    const { args } = await build([...use, '  exit 3'], ['--progress=json'])
    const ran = await builder.home.run(args, { env })
    expect(ran.code).not.toBe(0)
    expectClean(Buffer.from(ran.stdout + ran.stderr), 'the failure')
    await expectNoTrace(builder.home.store)
  })

  it.skipIf(hasNoMap)('are nowhere after SIGKILL in the middle of their step', async () => {
    const { args } = await build([...use, '  echo in-the-middle; sleep 60'], ['--progress=plain'])
    const child = builder.home.start(args, { env })
    const ended = finished(child)
    await new Promise<void>((resolve, reject) => {
      let text = ''
      const read = (chunk: Buffer): void => {
        text += chunk.toString()
        if (/^#?\S* ?[\d.]* ?in-the-middle$/m.test(text)) resolve()
      }
      child.stdout?.on('data', read)
      child.stderr?.on('data', read)
      void once(child, 'close').then(() => reject(new Error(text)))
    })
    child.kill('SIGKILL')
    const ran = await ended
    expectClean(Buffer.from(ran.stdout + ran.stderr), 'the killed build')
    await expectNoTrace(builder.home.store)
  })

  it.skipIf(hasNoMap)('reach a forwarded agent, and one with the key of a file', async () => {
    const { args } = await build(
      ['--mount=type=ssh', '--mount=type=ssh,id=key'].map((mount) => `RUN ${mount} ssh-add -l`),
      ['--no-cache', '--progress=plain'],
      'tools',
    )
    const ran = await builder.home.run(args, { env })
    expect(ran.code, ran.stderr).toBe(0)
    expect((ran.stdout + ran.stderr).match(/256 SHA256:\S+ .*ED25519/g)).toHaveLength(2)
  })

  it.each([
    ['RUN --mount=type=secret,id=none,required true', /secret none: not found/],
    ['RUN --mount=type=ssh,id=none,required true', /no ssh agent none is forwarded/],
  ])('that are required must be given: %s', async (line, message) => {
    const { args } = await build([line])
    expect((await builder.home.run(args, { env })).stderr).toMatch(message)
  })

  it.skipIf(hasNoMap)('are found by the same search in the layer of a step that copies one', async () => {
    const leaking = join(builder.home.dir, 'leaking')
    const output = `--output=type=oci,dest=${leaking},tar=false`
    const { args } = await build(['RUN --mount=type=secret,id=file cp /run/secrets/file /kept'], ['--no-cache', output])
    expect((await builder.home.run(args, { env })).code).toBe(0)
    await expect(expectNoTrace(leaking)).rejects.toThrow(values.file)
    await expect(expectNoTrace(builder.home.store)).rejects.toThrow(values.file)
  })
})

function expectClean(bytes: Buffer, where: string): void {
  expect(
    needles.filter((needle) => bytes.includes(needle)),
    where,
  ).toEqual([])
}

/** Reads each file below a folder, unpacked if it is gzip. */
async function expectNoTrace(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  let files = 0
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name)
    const bytes = await readFile(path)
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b
    expectClean(isGzip ? Buffer.concat([bytes, gunzipSync(bytes)]) : bytes, path)
    files++
  }
  expect(files).toBeGreaterThan(0)
}
