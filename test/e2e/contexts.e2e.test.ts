/** Where contexts and Dockerfiles come from, through the program: repositories, URLs, standard input, named contexts. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, utimesSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GitServer, newRepository, serveGit } from '../support/git-server.ts'
import { lacks, missingTools } from '../support/need.ts'
import { rawTar } from '../support/raw-tar.ts'
import { type Home, type Ran, type RunOptions, newHome } from '../support/wherry.ts'
import { writeContext } from '../support/write-context.ts'

const isMissing = lacks('tools', missingTools('git', 'tar', 'gzip', 'xz', 'zstd'))
const copyAll = 'FROM scratch\nCOPY . /\n'

describe.skipIf(isMissing)('a context', () => {
  let home: Home
  let server: GitServer
  let root: string
  /** A tar of a Dockerfile, the file f and an ignore file that leaves out all. */
  let tar: Buffer
  beforeAll(async () => {
    home = await newHome()
    root = join(home.dir, 'served')
    await mkdir(root)
    const files = { Dockerfile: copyAll, f: 'from a tar', '.dockerignore': '*' }
    const folder = writeContext(home.dir, files)
    for (const name of Object.keys(files)) utimesSync(join(folder, name), 1_500_000_000, 1_500_000_000)
    tar = execFileSync('tar', ['-c', '-C', folder, '.'])
    await writeFile(join(root, 'context.tar'), tar)
    await writeFile(join(root, 'Dockerfile.txt'), 'FROM scratch\nCOPY context /self\n')
    await writeFile(join(root, 'Copy.Dockerfile'), copyAll)
    const repository = newRepository(join(root, 'app.git'))
    repository.commit({
      Dockerfile: copyAll,
      f: 'from git',
      'sub/Dockerfile': copyAll,
      'sub/g': 'below',
      'other.Dockerfile': 'FROM scratch\nCOPY f /other\n',
      '.dockerignore': 'f\n',
      'lower/dockerfile': copyAll,
      'lower/h': 'h',
    })
    newRepository(join(root, 'evil.git')).commit({ Dockerfile: { linkTo: '/etc/passwd' }, f: 'f' })
    server = await serveGit(root, { login: 'x-access-token:t0p-secret' })
  })
  afterAll(async () => {
    await server.close()
    await home.remove()
  })

  const attempt = async (args: readonly string[], options?: RunOptions): Promise<Ran & { readonly out: string }> => {
    const out = mkdtempSync(join(home.dir, 'out-'))
    return { ...(await home.run(['build', '--progress=plain', '-o', out, ...args], options)), out }
  }
  const built = async (args: readonly string[], options?: RunOptions): Promise<string> => {
    const { code, stderr, out } = await attempt(args, options)
    expect(code, stderr).toBe(0)
    return out
  }
  const refusal = async (args: readonly string[], options?: RunOptions): Promise<string> => {
    const { code, stderr } = await attempt(args, options)
    expect(code).not.toBe(0)
    return stderr
  }
  const text = (...parts: string[]): string => readFileSync(join(...parts), 'utf8')
  const git = (rest = ''): string => `${server.origin}/smart/app.git${rest}`

  describe('from git', () => {
    it('is the repository, whatever its ignore file says, without .git', async () => {
      const names = readdirSync(await built([git()])).sort()
      expect(names).toEqual(['.dockerignore', 'Dockerfile', 'f', 'lower', 'other.Dockerfile', 'sub'])
    })

    it('is a subfolder of a ref, with its own Dockerfile, however it is spelled', async () => {
      expect(readdirSync(await built([git('#main:sub')])).sort()).toEqual(['Dockerfile', 'g'])
      expect(readdirSync(await built([git('#:lower')])).sort()).toEqual(['dockerfile', 'h'])
    })

    it('takes the Dockerfile that -f names, from its root', async () => {
      expect(text(await built(['-f', 'other.Dockerfile', git()]), 'other')).toBe('from git')
      expect(text(await built(['-f', '../../other.Dockerfile', git()]), 'other')).toBe('from git')
      const input = Buffer.from('FROM scratch\nCOPY f /stdin\n')
      expect(text(await built(['-f', '-', git()], { input }), 'stdin')).toBe('from git')
    })

    it('keeps .git where BUILDKIT_CONTEXT_KEEP_GIT_DIR says so', async () => {
      const out = await built(['--build-arg', 'BUILDKIT_CONTEXT_KEEP_GIT_DIR=1', git()])
      expect(existsSync(join(out, '.git/HEAD'))).toBe(true)
    })

    it('gives files the time of the commit where there is a SOURCE_DATE_EPOCH, which may be that time', async () => {
      const oci = mkdtempSync(join(home.dir, 'oci-'))
      await home.ok(
        'build',
        // Times are no part of keys: a copy of the same files that was made before would serve.
        '--no-cache',
        '-o',
        `type=oci,dest=${oci},tar=false`,
        '--build-arg',
        'SOURCE_DATE_EPOCH=1700000000',
        git(),
      )
      const layers = readdirSync(join(oci, 'blobs/sha256')).map((name) => join(oci, 'blobs/sha256', name))
      const listed = layers.map(
        (file) => spawnSync('tar', ['--full-time', '--utc', '-tvzf', file], { encoding: 'utf8' }).stdout,
      )
      expect(listed.join('')).toMatch(/2020-09-13 12:26:40 +f$/m)
      await home.ok('build', '-q', '-t', 'dated', '--build-arg', 'SOURCE_DATE_EPOCH=context', git())
      expect(await home.ok('inspect', '--format={{.Created}}', 'dated')).toContain('2020-09-13T12:26:40')
    })

    it('is cached by what is in it, wherever it was fetched to', async () => {
      await built([git('#main:sub')])
      const again = await attempt([git('#main:sub')])
      expect(again.stdout + again.stderr).toContain('CACHED')
    })

    it('is private with a token or a password that no message has', async () => {
      const remote = `${server.origin}/private/app.git`
      const env = { TOKEN: 't0p-secret' }
      const ran = await attempt(['--secret', 'id=GIT_AUTH_TOKEN,env=TOKEN', remote], { env })
      expect(ran.code, ran.stderr).toBe(0)
      const inUrl = await attempt([remote.replace('//', '//x-access-token:t0p-secret@')])
      expect(inUrl.code, inUrl.stderr).toBe(0)
      const wrong = await attempt([remote.replace('//', '//me:t0p@sec/ret@')])
      const failed = await attempt([remote.replace('//', '//me:no@secret@')])
      expect([wrong.code, failed.code]).toEqual([1, 1])
      expect([ran, inUrl, failed].map((r) => r.stdout + r.stderr).join()).not.toMatch(/t0p-secret|no@secret/)
    })

    it('whose Dockerfile is a link out of it is refused', async () => {
      const told = await refusal([`${server.origin}/smart/evil.git`])
      expect(told).toContain('a link that leads out of the context')
      expect(told).not.toContain('root:')
    })

    it.each([
      ['targets', ['--call=targets']],
      ['check', ['--check']],
      ['outline', ['--call=outline']],
    ])('is asked for its %s without a build', async (_, args) => {
      const ran = await home.run(['build', ...args, git('#:sub')])
      expect(ran.code, ran.stderr).toBe(0)
    })

    it('is checked under the name of its Dockerfile', async () => {
      const input = Buffer.from('from scratch\nCOPY f /\nCMD x\n')
      const ran = await home.run(['build', '--check', '-f', '-', git()], { input })
      expect([ran.code, ran.stdout]).toEqual([1, expect.stringMatching(/JSONArgsRecommended[^]*Dockerfile:3/)])
    })
  })

  describe('that is downloaded', () => {
    it('is unpacked if it is an archive, and no ignore file holds in it', async () => {
      expect(text(await built([`${server.origin}/context.tar`]), 'f')).toBe('from a tar')
    })

    it('is else the Dockerfile and the one file of the context', async () => {
      expect(text(await built([`${server.origin}/Dockerfile.txt`]), 'self')).toContain('COPY context /self')
    })

    it('is refused if it is not there', async () => {
      expect(await refusal([`${server.origin}/none.tar`])).toMatch(/status 404.*\[network\]/)
    })

    it('may have a Dockerfile that is downloaded too', async () => {
      const context = writeContext(home.dir, { f: 'here' })
      expect(text(await built(['-f', `${server.origin}/Copy.Dockerfile`, context]), 'f')).toBe('here')
    })
  })

  describe('on standard input', () => {
    it.each([['tar'], ['gzip'], ['xz'], ['zstd']])('may be a tar made with %s', async (program) => {
      const input = program === 'tar' ? tar : execFileSync(program, ['-c'], { input: tar })
      expect(text(await built(['-'], { input }), 'f')).toBe('from a tar')
    })

    it('has the time of its youngest file, for SOURCE_DATE_EPOCH=context', async () => {
      const ran = await home.run(['build', '-q', '-t', 'tarred', '--build-arg', 'SOURCE_DATE_EPOCH=context', '-'], {
        input: tar,
      })
      expect(ran.code, ran.stderr).toBe(0)
      expect(await home.ok('inspect', '--format={{.Created}}', 'tarred')).toContain('2017-07-14T02:40:00')
    })

    it('may be a Dockerfile alone, whose context is empty', async () => {
      const input = Buffer.from('FROM scratch\nCOPY <<here /here\nhello\nhere\n')
      expect(text(await built(['-'], { input }), 'here')).toBe('hello\n')
      expect(await refusal(['-'], { input: Buffer.from('FROM scratch\nCOPY f /\n') })).toContain('not found')
    })

    it('may be a Dockerfile for a folder', async () => {
      const context = writeContext(home.dir, { f: 'f', 'no.txt': 'n', '.dockerignore': '*.txt\n.docker*' })
      expect(readdirSync(await built(['-f', '-', context], { input: Buffer.from(copyAll) }))).toEqual(['f'])
    })

    it('takes the Dockerfile in it that -f names', async () => {
      const input = rawTar([{ name: 'd/My', data: copyAll }])
      expect(readdirSync(await built(['-f', 'd/My', '-'], { input }))).toEqual(['d'])
    })

    it('cannot be two things', async () => {
      expect(await refusal(['-f', '-', '-'], { input: tar })).toContain('cannot both come from standard input')
    })

    it('is checked without being built', async () => {
      expect(await home.run(['build', '--check', '-'], { input: tar })).toMatchObject({ code: 0 })
      const stages = await home.run(['build', '--call=targets', '-'], { input: 'FROM scratch AS one\n' })
      expect(stages.stdout).toContain('one')
    })

    it.each([
      ['a name that climbs', [{ name: '../../escaped', data: 'x' }]],
      ['an absolute name', [{ name: '/escaped', data: 'x' }]],
      [
        'a name below a link out of it',
        [
          { name: 'l', flag: '2', link: '../../..' },
          { name: 'l/escaped', data: 'x' },
        ],
      ],
      ['a hard link to a file outside', [{ name: 'escaped', flag: '1', link: '../../../../etc/passwd' }]],
    ])('with %s leaves nothing outside', async (_, entries) => {
      const input = rawTar([{ name: 'Dockerfile', data: copyAll }, ...entries])
      const { out, stderr } = await attempt(['-'], { input })
      for (const folder of [home.dir, home.store, join(home.store, 'tmp'), '/'])
        expect(existsSync(join(folder, 'escaped'))).toBe(false)
      expect(execFileSync('find', [out, '-type', 'f', '-exec', 'cat', '{}', '+'], { encoding: 'utf8' })).not.toContain(
        'root:',
      )
      expect(stderr).not.toContain('internal')
    })

    it('that breaks off, or is no archive at all, is refused with the reason', async () => {
      const gzip = execFileSync('gzip', ['-c'], { input: tar })
      expect(await refusal(['-'], { input: gzip.subarray(0, 60) })).toMatch(/\[(archive|context)-invalid\]/)
      expect(await refusal(['-'], { input: tar.subarray(0, 700) })).toMatch(/\[(archive|context)-invalid\]/)
    })

    it('may have folders that nobody may enter, which go with the build', async () => {
      const input = rawTar([
        { name: 'Dockerfile', data: 'FROM scratch\nCOPY Dockerfile /\n' },
        { name: 'closed', flag: '5', mode: 0 },
        { name: 'closed/f', data: 'f' },
      ])
      const { code, stderr } = await attempt(['-'], { input })
      expect(code, stderr).toBe(0)
      expect(readdirSync(join(home.store, 'tmp'))).toEqual([])
    })
  })

  describe('with a name', () => {
    const from = async (value: string, lines: string, ...args: string[]): Promise<string> =>
      built(['--build-context', `n=${value}`, ...args, writeContext(home.dir, { Dockerfile: lines, f: 'own' })])
    const copy = 'FROM scratch\nCOPY --from=n . /\n'

    it('is a folder, with an ignore file of its own, relative to where the user is', async () => {
      const folder = writeContext(home.dir, { a: 'a', b: 'b', '.dockerignore': 'b\n.docker*' })
      expect(readdirSync(await from(folder, copy))).toEqual(['a'])
      expect(readdirSync(await from(folder.slice(home.dir.length + 1), copy))).toEqual(['a'])
    })

    it('is a repository', async () => {
      expect(text(await from(git('#main:sub'), copy), 'g')).toBe('below')
      expect(readdirSync(await from(git(), copy))).toContain('f')
    })

    it('is a file that is downloaded, called context, also if it is an archive', async () => {
      const out = await from(`${server.origin}/context.tar`, copy)
      expect(readdirSync(out)).toEqual(['context'])
      expect(readFileSync(join(out, 'context'))).toEqual(tar)
    })

    it('is an image, for FROM and for COPY', async () => {
      await home.ok('build', '-q', '-t', 'base', writeContext(home.dir, { Dockerfile: copyAll, f: 'of base' }))
      expect(text(await from('docker-image://base', 'FROM n\n'), 'f')).toBe('of base')
      expect(text(await from('docker-image://base', 'FROM scratch\nCOPY --from=n f /g\n'), 'g')).toBe('of base')
      expect(readdirSync(await from('docker-image://scratch', 'FROM n\nCOPY f /\n'))).toEqual(['f'])
    })

    it('is an OCI layout, by tag and by digest', async () => {
      const layout = join(home.dir, 'layout')
      const context = writeContext(home.dir, { Dockerfile: copyAll, f: 'of layout' })
      await home.ok('build', '-q', '-t', 'x:one', '-o', `type=oci,dest=${layout},tar=false`, context)
      const index = JSON.parse(text(layout, 'index.json')) as { manifests: { digest: string }[] }
      for (const value of [layout, `${layout}@${index.manifests[0]!.digest}`])
        expect(text(await from(`oci-layout://${value}`, 'FROM n\n'), 'f')).toBe('of layout')
      expect(text(await from('oci-layout://layout', 'FROM n\n'), 'f')).toBe('of layout')
      const none = `oci-layout://${layout}@sha256:${'0'.repeat(64)}`
      const lines = { Dockerfile: 'FROM n\n' }
      expect(await refusal(['--build-context', `n=${none}`, writeContext(home.dir, lines)])).toContain('ERROR')
    })

    it('is a stage of the same Dockerfile', async () => {
      const lines = 'FROM scratch AS made\nCOPY f /made\nFROM n\n'
      expect(readdirSync(await from('target:made', lines))).toEqual(['made'])
    })

    it('stands for an image or a stage of that name', async () => {
      const folder = writeContext(home.dir, { a: 'a' })
      const dockerfile = 'FROM scratch AS n\nCOPY f /\nFROM scratch\nCOPY --from=n / /\n'
      expect(readdirSync(await from(folder, dockerfile))).toEqual(['a'])
      const context = writeContext(home.dir, { Dockerfile: 'FROM example.com/x/y:1\n' })
      await built(['--build-context', 'example.com/x/y:1=docker-image://scratch', '-t', 'e', context])
    })

    it('is for one platform where the name says so', async () => {
      const [one, other] = [writeContext(home.dir, { one: '1' }), writeContext(home.dir, { other: '2' })]
      const dockerfile = 'FROM --platform=linux/s390x n AS a\nFROM scratch\nCOPY --from=n . /\n'
      const args = ['--build-context', `n::linux/s390x=${other}`, '--build-context', `n=${one}`]
      const context = writeContext(home.dir, { Dockerfile: dockerfile })
      expect(readdirSync(await built([...args, context]))).toEqual(['one'])
      expect(readdirSync(await built([...args, '--platform=linux/s390x', context]))).toEqual(['other'])
    })

    it('is not fetched if nothing needs it', async () => {
      expect(existsSync(join(await from('https://nowhere.invalid/x.git', copyAll), 'f'))).toBe(true)
    })

    it('gives SOURCE_DATE_EPOCH its time', async () => {
      const context = writeContext(home.dir, { Dockerfile: copyAll })
      const args = ['--build-context', `n=${git()}`, '--build-arg', 'SOURCE_DATE_EPOCH=n']
      await home.ok('build', '-q', '-t', 'named', ...args, context)
      expect(await home.ok('inspect', '--format={{.Created}}', 'named')).toContain('2020-09-13T12:26:40')
    })

    it.each([['n'], ['=x'], ['n=']])('is refused as %s', async (value) => {
      const told = await refusal(['--build-context', value, writeContext(home.dir, { Dockerfile: copyAll })])
      expect(told).toContain('is not NAME=VALUE')
    })
  })

  describe('with --ignorefile', () => {
    it('leaves out what that file says, and its own does not count', async () => {
      const context = writeContext(home.dir, { Dockerfile: copyAll, a: 'a', b: 'b', '.dockerignore': 'a\n' })
      await writeFile(join(home.dir, 'my.ignore'), 'b\n.docker*\nDockerfile\n')
      expect(readdirSync(await built(['--ignorefile', 'my.ignore', context]))).toEqual(['a'])
    })

    it('leaves out of a fetched one too', async () => {
      await writeFile(join(home.dir, 'my.ignore'), '*\n!f\n')
      expect(readdirSync(await built(['--ignorefile', 'my.ignore', git()]))).toEqual(['f'])
    })

    it('that is not there is refused', async () => {
      const context = writeContext(home.dir, { Dockerfile: copyAll })
      expect(await refusal(['--ignorefile', 'none.ignore', context])).toContain('none.ignore')
    })
  })
})
