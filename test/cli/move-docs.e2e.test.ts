/** The commands of docs/move.md, in their order, and what scripts rely on in their output. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Home, type ServedRegistry, finished, newHome, serveRegistry } from '../support/wherry.ts'

const text = readFileSync(join(import.meta.dirname, '../../docs/move.md'), 'utf8')
const lines = [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, body = '']) => body.trim().split('\n'))
const program = join(import.meta.dirname, '../../bin/wherry.js')

let home: Home
let registry: ServedRegistry
let context: string

beforeAll(async () => {
  home = await newHome()
  registry = await serveRegistry(home)
  context = join(home.dir, 'context')
  await mkdir(context)
  await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n')
  await home.ok('build', '-q', '-t', 'me/app:1', '-t', 'me/app:2', context)
  const both = ['--platform', 'linux/amd64,linux/arm64', '-t', `${registry.address}/me/multi:1`]
  await home.ok('build', '-q', '--push', ...both, context)
})
afterAll(async () => {
  await registry.stop()
  await home.remove()
})

it('docs/move.md says only what works', async () => {
  const arm64 = await home.ok('digest', '--platform', 'linux/arm64', `${registry.address}/me/multi:1`)
  const variables = { REGISTRY: registry.address, ARM64: arm64, XDG_DATA_HOME: home.dir, WHERRY: program }
  expect(lines.length).toBeGreaterThan(30)
  for (const line of lines) {
    const script = line.replaceAll('npx wherry ', `"${process.execPath}" "$WHERRY" --root "${home.store}" `)
    const child = spawn('sh', ['-ec', script], { cwd: context, env: { ...process.env, ...variables, HOME: home.dir } })
    const ran = await finished(child)
    expect(ran.code, `${line}\n${ran.stdout}${ran.stderr}`).toBe(0)
  }
  expect(await readFile(join(context, 'digest'), 'utf8')).toBe(
    await home.ok('digest', `${registry.address}/me/multi:1`),
  )
  expect(await home.ok('ls', `${registry.address}/other/app`)).toBe('')
  expect(await home.ok('ls', `${registry.address}/me/app`)).toBe('1')
  const list = JSON.parse(await home.ok('manifest', 'inspect', `${registry.address}/me/list:1`)) as {
    manifests: { platform: { architecture: string } }[]
  }
  expect(list.manifests.map(({ platform }) => platform.architecture).sort()).toContain('arm64')
})

it('load prints a line for each name, and the id of an image without one', async () => {
  const file = join(home.dir, 'all.tar')
  await home.ok('save', '-o', file, 'me/app')
  expect(await home.ok('load', '-q', '-i', file)).toBe('Loaded image: me/app:1\nLoaded image: me/app:2')
  const id = (await home.ok('images', '-q', '--no-trunc', 'me/app:1')).split('\n')[0]!
  await home.ok('save', '-o', file, id)
  expect(await home.ok('load', '-i', file)).toBe(`Loaded image ID: ${id}`)
})

it('load takes an image that is there under another name, and says what the name meant before', async () => {
  await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /other\n')
  const file = join(home.dir, 'old.tar')
  await home.ok('save', '-o', file, 'me/app:2')
  const newer = await home.ok('build', '-q', '-t', 'me/app:2', context)
  expect(await home.ok('load', '-i', file)).toBe(
    `The image me/app:2 already exists, renaming the old one with ID ${newer} to empty string\nLoaded image: me/app:2`,
  )
})

it('a load that is killed leaves no image and nothing in its way', async () => {
  await writeFile(join(context, 'noise'), randomBytes(4 << 20))
  await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY noise /\n')
  await home.ok('build', '-q', '-t', 'noise:1', context)
  const file = join(home.dir, 'noise.tar')
  await home.ok('save', '-o', file, 'noise:1')
  const bytes = await readFile(file)
  const other = await newHome()
  try {
    const child = other.start(['load'], { input: '' })
    child.stdin?.on('error', () => undefined).write(bytes.subarray(0, bytes.length >> 1))
    const isSpooling = async (): Promise<boolean> => {
      const names = await readdir(join(other.store, 'tmp')).catch(() => [])
      return names.some((name) => name.endsWith('-archive'))
    }
    while (!(await isSpooling())) await new Promise((resolve) => setTimeout(resolve, 20))
    child.kill('SIGKILL')
    await finished(child)
    expect(await other.ok('images', '-aq')).toBe('')
    expect(await other.ok('load', '-i', file)).toBe('Loaded image: noise:1')
    expect(await readdir(join(other.store, 'tmp'))).toEqual([])
    expect((await other.run(['export', 'noise:1'])).code).toBe(0)
  } finally {
    await other.remove()
  }
})

it.each([
  [1, ['save', '-o', 'x.tar', 'not-there:1'], 'image-not-found'],
  [1, ['load', '-i', 'not-there.tar'], 'io'],
  [1, ['export', '-o', 'x.tar', 'not-there'], 'image-not-found'],
  [1, ['manifest', 'inspect', 'localhost:1/x:1'], 'network'],
  [1, ['manifest', 'rm', 'not-there'], 'image-not-found'],
  [2, ['manifest', 'create', 'alone'], 'usage'],
  [2, ['save'], 'usage'],
  [2, ['save', '--format', 'oci-dir', 'me/app:1'], 'usage'],
  [2, ['copy', 'debian:12', 'store:x'], 'usage'],
  [2, ['copy', '-a', '--platform', 'linux/arm64', 'store:x', 'store:y'], 'usage'],
  [2, ['ls', 'debian:12'], 'usage'],
  [2, ['catalog', 'localhost/x'], 'usage'],
  [2, ['delete', 'localhost:1/x'], 'usage'],
  [2, ['pull', '-a', 'localhost:1/x:1'], 'usage'],
  [2, ['import', '--change', 'RUN true', '-'], 'usage'],
])('exit code %i: %j', async (code, args, kind) => {
  const ran = await home.run(args, { input: '' })
  expect([ran.code, ran.stderr]).toEqual([code, expect.stringContaining(`[${kind}]`)])
})
