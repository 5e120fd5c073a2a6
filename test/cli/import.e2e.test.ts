/** `export` and `import`: a file system as a tar goes out, comes back and is the same one, as GNU tar sees it. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rawTar } from '../support/raw-tar.ts'
import { type Home, newHome } from '../support/wherry.ts'

let home: Home

beforeAll(async () => {
  home = await newHome({ SOURCE_DATE_EPOCH: '1700000000' })
})
afterAll(() => home.remove())

/** A tar with names, links, modes and owners of all kinds. */
const tree = rawTar([
  { name: './', flag: '5', mode: 0o755 },
  { name: './etc/', flag: '5', mode: 0o700 },
  { name: './etc/passwd', data: 'root:x:0:0::/:/bin/sh\n', mode: 0o640, pax: { uid: '7', gid: '100000' } },
  { name: './etc/empty', data: '' },
  { name: './etc/next', data: 'after the empty one' },
  { name: './etc/hard', flag: '1', link: './etc/passwd' },
  { name: './bin', flag: '2', link: 'usr/bin', mode: 0o777 },
  { name: './usr/bin/su', data: '#!', mode: 0o4755, pax: { 'SCHILY.xattr.user.note': 'kept' } },
  { name: './dev/null', flag: '3', major: 1, minor: 3, mode: 0o666 },
  { name: './twice', data: 'first' },
  { name: './twice', data: 'last' },
])

const list = (tar: Buffer): string[] =>
  execFileSync('tar', ['--numeric-owner', '-tvf', '-'], { input: tar, encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replace(/ +/g, ' '))

async function exported(name: string): Promise<Buffer> {
  const file = join(home.dir, 'exported.tar')
  await home.ok('export', '-o', file, name)
  return readFileSync(file)
}

test('what is imported is what was in the tar, and its export imports as the same layer', async () => {
  const first = await home.run(['import', '-', 'one:1'], { input: tree })
  expect(first.stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/)
  const tar = await exported('one:1')
  expect(list(tar)).toEqual([
    'lrwxrwxrwx 0/0 0 1970-01-01 00:00 bin -> usr/bin',
    'drwxr-xr-x 0/0 0 1970-01-01 00:00 dev/',
    'crw-rw-rw- 0/0 1,3 1970-01-01 00:00 dev/null',
    'drwx------ 0/0 0 1970-01-01 00:00 etc/',
    '-rw-r--r-- 0/0 0 1970-01-01 00:00 etc/empty',
    '-rw-r----- 7/100000 22 1970-01-01 00:00 etc/hard',
    '-rw-r--r-- 0/0 19 1970-01-01 00:00 etc/next',
    'hrw-r----- 7/100000 0 1970-01-01 00:00 etc/passwd link to etc/hard',
    '-rw-r--r-- 0/0 4 1970-01-01 00:00 twice',
    'drwxr-xr-x 0/0 0 1970-01-01 00:00 usr/',
    'drwxr-xr-x 0/0 0 1970-01-01 00:00 usr/bin/',
    '-rwsr-xr-x 0/0 2 1970-01-01 00:00 usr/bin/su',
  ])
  await home.run(['import', '-', 'two:1'], { input: tar })
  expect(await exported('two:1')).toEqual(tar)
})

test.each(['gzip', 'bzip2', 'xz', 'zstd'])('a tar that %s compressed gives the same image', async (program) => {
  const plain = await home.run(['import', '-'], { input: tree })
  const file = join(home.dir, `tree.${program}`)
  writeFileSync(file, execFileSync(program, ['-c'], { input: tree }))
  const packed = await home.run(['import', '-m', 'Imported from -', file])
  expect(packed).toEqual(plain)
})

test('changes, message and platform are in the config', async () => {
  const changes = ['CMD ["sh", "-l"]', 'ENV A=1'].flatMap((change) => ['-c', change])
  const ran = await home.run(['import', ...changes, '-m', 'by hand', '--platform', 'linux/arm/v6', '-', 'arm:1'], {
    input: tree,
  })
  expect(ran.code, ran.stderr).toBe(0)
  await home.ok('save', '--format', 'docker-legacy', '-o', join(home.dir, 'arm.tar'), 'arm:1')
  const id = ran.stdout.trim().slice('sha256:'.length)
  const config: unknown = JSON.parse(
    execFileSync('tar', ['-xOf', join(home.dir, 'arm.tar'), `${id}.json`], { encoding: 'utf8' }),
  )
  expect(config).toMatchObject({
    architecture: 'arm',
    variant: 'v6',
    created: '2023-11-14T22:13:20.000Z',
    config: { Cmd: ['sh', '-l'], Env: ['A=1'] },
    history: [{ created: '2023-11-14T22:13:20.000Z', comment: 'by hand' }],
  })
})

test('a URL is downloaded', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/tree.tar') response.end(tree)
    else response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const ok = await home.run(['import', `${base}/tree.tar`, 'url:1'])
  expect(ok.code, ok.stderr).toBe(0)
  const missing = await home.run(['import', `${base}/other.tar`])
  expect(missing.code).toBe(1)
  expect(missing.stderr).toContain('404')
  server.close()
})

test('what save wrote is for load, and what is no tar is refused', async () => {
  await home.run(['import', '-', 'saved:1'], { input: tree })
  for (const form of ['docker-archive', 'docker-legacy', 'oci-archive']) {
    await home.ok('save', '--format', form, '-o', join(home.dir, 'saved.tar'), 'saved:1')
    const ran = await home.run(['import', join(home.dir, 'saved.tar')])
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('hint: Use `wherry load`.')])
  }
  for (const input of ['no tar', rawTar([{ name: 'x', flag: '1', link: 'not-there' }])]) {
    const ran = await home.run(['import', '-'], { input })
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining('[archive-invalid]')])
  }
  expect((await home.run(['import', 'not-there.tar'])).stderr).toContain('[io]')
  expect((await home.run(['load'], { input: tree })).stderr).toContain('`wherry import`')
})

test('a folder becomes an image as the recipe has it, and names in it that are marks in layers do not delete', async () => {
  const folder = join(home.dir, 'folder')
  mkdirSync(join(folder, 'a'), { recursive: true })
  writeFileSync(join(folder, 'a', '.wh.b'), '')
  writeFileSync(join(folder, 'a', 'b'), 'here')
  const ran = await home.run(['import', '-', 'folder'], { input: execFileSync('tar', ['-C', folder, '-c', '.']) })
  expect(ran.stderr).toContain('.wh.')
  expect(list(await exported('folder')).map((line) => line.split(' ').at(-1))).toEqual(['a/', 'a/b'])
})
