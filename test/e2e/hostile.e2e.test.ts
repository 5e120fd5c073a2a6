/** Base layers, archives and contexts that try to reach outside: they fail with a clear error or stay inside. */
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacks, noUserNamespace } from '../support/need.ts'
import { pushImage } from '../support/push-image.ts'
import { type RawEntry, rawTar } from '../support/raw-tar.ts'
import { type Home, type Ran, type ServedRegistry, newHome, serveRegistry } from '../support/wherry.ts'

/** Name of whatever tries to come out: no such file may exist outside of the store. */
const escapee = 'wherry-escapee'
const terabyte = 2 ** 40
const folder = (name: string): RawEntry => ({ name, flag: '5', mode: 0o755 })

describe.skipIf(lacks('userns', noUserNamespace()))('hostile input', () => {
  let home: Home
  let registry: ServedRegistry
  let outside = ''
  beforeAll(async () => {
    home = await newHome()
    registry = await serveRegistry(home)
    await home.ok('base', 'host', '-t', 'test/base')
    outside = join(home.dir, 'outside')
    await mkdir(outside)
    await writeFile(join(outside, 'secret'), 'secret of the host')
  })
  afterAll(async () => {
    await registry.stop()
    await home.remove()
  })

  const attacks = (): Record<string, readonly RawEntry[]> => ({
    'an absolute name': [{ name: `${outside}/${escapee}`, data: 'x' }],
    'a name with ..': [{ name: `../../../../../../../../../..${outside}/${escapee}`, data: 'x' }],
    'a symlink and a file behind it': [
      { name: 'door', flag: '2', link: outside },
      { name: `door/${escapee}`, data: 'x' },
    ],
    'a relative symlink and a file behind it': [
      folder('a'),
      { name: 'a/door', flag: '2', link: `../../../../../../../../../..${outside}` },
      { name: `a/door/${escapee}`, data: 'x' },
    ],
    'a folder over a symlink': [
      { name: 'door', flag: '2', link: outside },
      folder('door'),
      { name: `door/${escapee}`, data: 'x' },
    ],
    'a hard link to a file outside': [
      { name: 'stolen', flag: '1', link: `../../../../../../../../..${outside}/secret` },
      { name: 'stolen', data: 'overwritten' },
    ],
    'a hard link through a symlink': [
      { name: 'door', flag: '2', link: outside },
      { name: 'stolen', flag: '1', link: 'door/secret' },
    ],
    'a whiteout of something outside': [{ name: `../../../../../../../../..${outside}/.wh.secret` }],
    'a whiteout behind a symlink': [
      { name: 'door', flag: '2', link: outside },
      { name: 'door/.wh.secret' },
      { name: 'door/.wh..wh..opq' },
    ],
    'device nodes': [
      { name: 'disk', flag: '4', major: 8, minor: 0, mode: 0o666 },
      { name: 'memory', flag: '3', major: 1, minor: 1, mode: 0o666 },
    ],
    'a file that claims a terabyte': [{ name: 'huge', claim: terabyte, data: 'x' }],
    'a sparse file that claims a terabyte': [
      {
        name: 'GNUSparseFile.0/huge',
        data: '0\n'.padEnd(512, '\0'),
        pax: {
          'GNU.sparse.major': '1',
          'GNU.sparse.minor': '0',
          'GNU.sparse.name': 'huge',
          'GNU.sparse.realsize': String(terabyte),
        },
      },
    ],
    'a name of 10,000 bytes': [{ name: 'long', data: 'x', pax: { path: 'n'.repeat(10_000) } }],
    'a path of 10,000 bytes': [{ name: 'long', data: 'x', pax: { path: 'n/'.repeat(5_000) } }],
    'a name with a NUL': [{ name: 'nul', data: 'x', pax: { path: `a\0b` } }],
  })

  /** Either it worked, or the user was told why. */
  function expectClear(ran: Ran): void {
    if (ran.code === 0) return
    expect(ran.code).toBeLessThan(125)
    expect(ran.stderr).toMatch(/ERROR|error/)
    expect(ran.stderr).not.toMatch(/\[internal\]|^\s+at .*:\d+:\d+/m)
  }

  /** Nothing came out: the secret is as it was, and the escapee is nowhere but in a store. */
  async function expectNothingOutside(): Promise<void> {
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret of the host')
    expect(await readdir(outside)).toEqual(['secret'])
    const found = execFileSync('find', [home.dir, '-path', home.store, '-prune', '-o', '-name', escapee, '-print'])
    expect(found.toString()).toBe('')
  }

  async function build(dockerfile: string, files: Readonly<Record<string, Buffer>> = {}): Promise<Ran> {
    const context = join(home.dir, 'context')
    await mkdir(context, { recursive: true })
    await writeFile(join(context, 'Dockerfile'), dockerfile)
    for (const [name, data] of Object.entries(files)) await writeFile(join(context, name), data)
    return home.run(['build', '--progress=plain', context])
  }

  const names = Object.keys(attacks())

  test.each(names)('a base layer with %s', async (name) => {
    const repository = `hostile-${names.indexOf(name)}`
    await pushImage(registry.address, repository, [rawTar(attacks()[name]!)])
    const base = `${registry.address}/${repository}`
    expectClear(await build(`FROM test/base\nCOPY --from=${base} / /copy\n`))
    expectClear(await build(`FROM ${base}\nRUN ["/does-not-exist"]\n`))
    await expectNothingOutside()
  })

  test.each(names)('an added archive with %s', async (name) => {
    const archive = rawTar(attacks()[name]!)
    expectClear(await build('FROM test/base\nADD hostile.tar /into/\nRUN true\n', { 'hostile.tar': archive }))
    await expectNothingOutside()
  })

  test('a context with links to the outside gives nothing of it', async () => {
    const context = join(home.dir, 'linked')
    await mkdir(context)
    await symlink(outside, join(context, 'door'))
    await symlink(join(outside, 'secret'), join(context, 'stolen'))
    for (const source of ['door', 'door/secret', 'stolen', '../outside/secret', `..${outside}/secret`]) {
      await writeFile(
        join(context, 'Dockerfile'),
        `FROM test/base\nCOPY ${source} /copy\nRUN ! grep -r "secret of" /copy\n`,
      )
      expectClear(await home.run(['build', '--progress=plain', context]))
    }
    await expectNothingOutside()
  })

  test('a stage with links to the outside gives nothing of it', async () => {
    const dockerfile = [
      'FROM test/base AS evil',
      `RUN ln -s ${outside} /door && ln -s ${outside}/secret /stolen`,
      'FROM test/base',
      'RUN mkdir /into && ln -s /door /into/door',
      'COPY --from=evil /door /into/door/',
      'COPY --from=evil /stolen* /into/',
      'RUN ! grep -rs "secret of" /into',
      '',
    ].join('\n')
    expectClear(await build(dockerfile))
    await expectNothingOutside()
  })
})
