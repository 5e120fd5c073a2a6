/** The commands of docs/bases.md that need no network, and supermin's two steps; the others are in bases.full.test.ts. */
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { docsCommands } from '../support/docs-commands.ts'
import { lacks, missingTools, noUserNamespace } from '../support/need.ts'
import { busybox, noStaticBusybox } from '../support/busybox.ts'
import { type Home, newHome } from '../support/wherry.ts'

const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', missingTools('dpkg', 'tar', 'bash'))

describe.skipIf(isMissing)('bases of the machine', () => {
  let home: Home
  beforeAll(async () => {
    home = await newHome()
  })
  afterAll(() => home.remove())

  it('docs/bases.md says only what works', async () => {
    const lines = docsCommands('docs/bases.md').filter((args) => !args.includes('debootstrap') && args[0] !== 'tar')
    expect(lines.length).toBeGreaterThan(5)
    for (const args of lines) {
      const ran = await home.run(args)
      expect(ran.code, `wherry ${args.join(' ')}\n${ran.stdout}${ran.stderr}`).toBe(0)
    }
    expect(readFileSync(join(home.dir, 'box.d/packages'), 'utf8')).toBe('bash\ncoreutils\n')
    expect(lstatSync(join(home.dir, 'box/usr/bin/env')).isFile()).toBe(true)
  })

  it('the tree can be imported, and runs', async () => {
    const tar = ['-C', join(home.dir, 'box'), '--owner', '0', '--group', '0', '-c', '.']
    const input = execFileSync('tar', tar, { maxBuffer: 256 << 20 })
    const ran = await home.run(['import', '-', 'local/box'], { input })
    expect(ran.code, ran.stderr).toBe(0)
    expect(await home.ok('run', 'local/box', 'bash', '-c', 'echo from the box')).toBe('from the box')
  })

  it('a Dockerfile builds on packages of the machine, which have what they depend on', async () => {
    await writeFile(join(home.dir, 'Dockerfile'), 'FROM local/tools\nRUN echo made | grep -o m >/x && cat /x\n')
    await home.ok('build', '-t', 'local/on-tools', home.dir)
    expect(await home.ok('run', 'local/on-tools', 'cat', '/x')).toBe('m')
  })

  it('settings of the appliance win over those of the machine; lists add and leave out', async () => {
    const at = (name: string): string => join(home.dir, name)
    mkdirSync(at('etc'))
    writeFileSync(at('etc/bash.bashrc'), 'mine')
    execFileSync('tar', ['-C', home.dir, '-cJf', at('box.d/more.tar.xz'), 'etc/bash.bashrc'])
    writeFileSync(at('box.d/files'), '/etc/os-r*se\n')
    writeFileSync(at('box.d/without'), '-/usr/bin/[wx]*\n')
    rmSync(at('box'), { recursive: true, force: true })
    const built = await home.run([
      'base',
      'host',
      '--build',
      '-f',
      'chroot',
      '--include-packagelist',
      '-o',
      'box',
      'box.d',
    ])
    expect(built.code, built.stderr).toBe(0)
    expect(readFileSync(at('box/etc/bash.bashrc'), 'utf8')).toBe('mine')
    expect(existsSync(at('box/etc/os-release'))).toBe(true)
    expect(existsSync(at('box/usr/bin/whoami'))).toBe(false)
    expect(existsSync(at('box/usr/bin/cat'))).toBe(true)
    expect(readFileSync(at('box/packagelist'), 'utf8')).toMatch(/^coreutils \d[^]*^libc6 /m)
  })

  it('--if-newer builds anew when an input is newer, and not otherwise', async () => {
    const build = ['base', 'host', '--build', '-f', 'chroot', '--if-newer', '-o', 'box', 'box.d']
    expect((await home.run(build)).stderr).toContain('is new enough')
    writeFileSync(join(home.dir, 'box.d/without'), '-*/bin/cat\n')
    expect((await home.run(build)).stderr).not.toContain('is new enough')
    expect(existsSync(join(home.dir, 'box/usr/bin/cat'))).toBe(false)
  })

  it.each([
    [['--build', '-f', 'ext2', '-o', 'x', 'box.d'], 'the format ext2 is not made'],
    [['--build', '-o', 'x', 'box.d'], '--build needs --format'],
    [['--prepare', 'bash'], 'need --output'],
    [['--prepare', '-o', 'box.d', 'bash'], 'is not empty'],
    [['--prepare', '-o', 'x', 'no-such-package'], '"no-such-package" is neither a program nor'],
    [['--size', '4G', 'bash'], '--size is not an option here'],
    [['--format', 'chroot', 'bash'], '--format goes with'],
  ])('%j is refused', async (args, words) => {
    const ran = await home.run(['base', 'host', ...args])
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining(words)])
  })

  it.skipIf(lacks('tools', noStaticBusybox()))('the Dockerfile from nothing builds', async () => {
    const [, dockerfile = ''] = /^```dockerfile\n(.*?)^```/ms.exec(readFileSync('docs/bases.md', 'utf8')) ?? []
    const dir = join(home.dir, 'scratch')
    mkdirSync(dir)
    await writeFile(join(dir, 'Dockerfile'), dockerfile)
    await copyFile(busybox, join(dir, 'busybox'))
    await home.ok('build', '-t', 'local/scratch', dir)
    expect(await home.ok('run', 'local/scratch', 'echo', 'hello')).toBe('hello')
  })
})
