/** ADD of git repositories, through the program: what is added, what it is cached by, and how a server is spoken to. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GitServer, type TestRepository, newRepository, serveGit } from '../support/git-server.ts'
import { lacks, missingTools } from '../support/need.ts'
import { type Home, type Ran, newHome } from '../support/wherry.ts'
import { writeContext } from '../support/write-context.ts'

const isMissing = lacks('tools', missingTools('git', 'tar'))

describe.skipIf(isMissing)('ADD of a git repository', () => {
  let home: Home
  let server: GitServer
  let repository: TestRepository
  let first: string
  let second: string
  let url: string
  beforeAll(async () => {
    home = await newHome()
    const root = join(home.dir, 'repositories')
    const inner = newRepository(join(root, 'inner.git'))
    const commit = inner.commit({ 'inner.txt': 'inner' })
    repository = newRepository(join(root, 'app.git'))
    first = repository.commit({ 'a.txt': 'one', '.dockerignore': '*\n' }, { time: 1_500_000_000 })
    repository.git('tag', 'v1')
    repository.git('-c', 'user.name=A', '-c', 'user.email=a@h', 'tag', '-a', '-m', 'two', 'annotated', first)
    second = repository.commit(
      {
        'a.txt': 'two',
        'dir/deep/b.txt': 'b',
        'run.sh': { program: '#!/bin/sh\n' },
        link: { linkTo: 'a.txt' },
        sub: { commit },
        '.dockerignore': '*\n',
        '.gitattributes': 'hidden export-ignore\n*.txt text eol=crlf\n',
        '.gitmodules': '[submodule "sub"]\n\tpath = sub\n\turl = ../inner.git\n',
      },
      { time: 1_600_000_000 },
    )
    repository.git('update-server-info')
    server = await serveGit(root, { login: 'x-access-token:t0p-secret' })
    url = `${server.origin}/smart/app.git`
  })
  afterAll(async () => {
    await server.close()
    await home.remove()
  })

  const attempt = async (lines: readonly string[], ...args: string[]): Promise<Ran & { out: string }> => {
    const out = mkdtempSync(join(home.dir, 'out-'))
    const context = writeContext(home.dir, { Dockerfile: `${['FROM scratch', ...lines].join('\n')}\n` })
    const ran = await home.run(['build', '--progress=plain', '-o', out, ...args, context])
    return { ...ran, out }
  }
  const added = async (lines: readonly string[], ...args: string[]): Promise<string> => {
    const { code, out, stderr } = await attempt(lines, ...args)
    expect(code, stderr).toBe(0)
    return out
  }
  const refusal = async (...lines: string[]): Promise<string> => {
    const { code, stderr } = await attempt(lines)
    expect(code).toBe(1)
    return stderr
  }
  const text = (...parts: string[]): string => readFileSync(join(...parts), 'utf8')

  it('gives the default branch with its submodules, no .git, whatever the ignore file in it says', async () => {
    const out = await added([`ADD ${url} /src/`])
    expect(readdirSync(join(out, 'src')).sort()).toEqual(
      ['.dockerignore', '.gitattributes', '.gitmodules', 'a.txt', 'dir', 'link', 'run.sh', 'sub'].sort(),
    )
    expect(readdirSync(join(out, 'src/sub'))).toEqual(['inner.txt'])
  })

  it('gives modes 0644 and 0755 alone, whatever umask there is', async () => {
    const before = process.umask(0o077)
    const out = await added([`ADD ${url} /src/`, '# another umask'], '--no-cache').finally(() => process.umask(before))
    const mode = (path: string): string => (statSync(join(out, 'src', path)).mode & 0o7777).toString(8)
    expect(['a.txt', 'run.sh', 'dir', 'dir/deep', 'sub/inner.txt'].map(mode)).toEqual([
      '644',
      '755',
      '755',
      '755',
      '644',
    ])
  })

  it.each([
    ['#v1', 'one'],
    ['#annotated', 'one'],
    ['#main', 'two'],
    ['#refs/heads/main', 'two'],
    ['?tag=v1', 'one'],
    ['?branch=main', 'two'],
    ['?ref=v1', 'one'],
  ])('%s', async (suffix, content) => {
    expect(text(await added([`ADD ${url}${suffix} /`]), 'a.txt').trim()).toBe(content)
  })

  it('takes a commit by its name, also one that no ref leads to', async () => {
    const lone = repository.commit({ 'a.txt': 'lone' }, { branch: 'gone' })
    repository.git('update-ref', '-d', 'refs/heads/gone')
    expect(text(await added([`ADD ${url}#${first} /`]), 'a.txt')).toBe('one')
    expect(text(await added([`ADD ${url}#${lone} /`]), 'a.txt')).toBe('lone')
  })

  it.each(['#main:dir', '#:dir', '?subdir=dir', '?subdir=dir&submodules=false'])(
    'gives the contents of the subfolder of %s',
    async (suffix) => {
      expect(text(await added([`ADD ${url}${suffix} /x/`]), 'x/deep/b.txt').trim()).toBe('b')
    },
  )

  it('without submodules leaves their folders empty', async () => {
    expect(readdirSync(join(await added([`ADD ${url}?submodules=false /`]), 'sub'))).toEqual([])
  })

  it('keeps .git on demand, of the flag or the URL, as a repository of that one commit', async () => {
    for (const line of [`ADD --keep-git-dir ${url}#v1 /`, `ADD ${url}?ref=v1&keep-git-dir=1 /`]) {
      const out = await added([line])
      expect(text(out, '.git/HEAD').trim()).toBe(first)
      expect(text(out, '.git/config')).toContain(url)
    }
    expect(await refusal(`ADD --keep-git-dir=false ${url}?keep-git-dir=1 /`)).toContain(
      'inconsistent keep-git-dir configuration',
    )
  })

  it('is the same layer each time, the repository that is kept included, but for times', async () => {
    const lines = [`ADD --keep-git-dir ${url} /`]
    const [one, two] = [await added(lines, '--no-cache'), await added(lines, '--no-cache')]
    const names = (folder: string): string[] => readdirSync(folder, { recursive: true }).map(String).sort()
    expect(names(one)).toEqual(names(two))
    for (const file of ['.git/config', '.git/HEAD', '.git/packed-refs'])
      if (names(one).includes(file)) expect(text(one, file)).toBe(text(two, file))
  })

  describe('--checksum', () => {
    it('is the commit or its beginning', async () => {
      await added([`ADD --checksum=${second} ${url} /`])
      await added([`ADD --checksum=${second.slice(0, 8)} ${url} /`])
      await added([`ADD ${url}?checksum=${second.slice(0, 12)} /`])
      await added([`ADD --checksum=${first.slice(0, 9)} ${url}#annotated /`])
      await added([`ADD --checksum=${repository.git('rev-parse', 'annotated')} ${url}#annotated /`])
    })

    it('of another commit is an error', async () => {
      const told = await refusal(`ADD --checksum=${first} ${url}#main /`)
      expect(told).toMatch(new RegExp(`expected checksum to match ${first}, got ${second}.*\\[digest-mismatch\\]`))
    })

    it.each([
      ['that is no hexadecimal number', () => `ADD --checksum=xyz ${url} /`, 'invalid checksum xyz'],
      ['beside another in the URL', () => `ADD --checksum=abcd ${url}?checksum=abce /`, 'checksum mismatch'],
    ])('%s is an error', async (_, line, told) => {
      expect(await refusal(line())).toContain(told)
    })
  })

  it('is cached by the commit: nothing is fetched for what is known, whatever the ref is called', async () => {
    repository.commit({ f: '1' }, { branch: 'moving' })
    const lines = [`ADD ${url}#moving /`]
    await added(lines)
    const before = server.requests.length
    const again = await attempt(lines)
    expect(again.stderr + again.stdout).toContain('CACHED')
    expect(server.requests.slice(before).filter((r) => r.startsWith('POST') && !r.includes('upload-pack'))).toEqual([])
    expect(text(again.out, 'f')).toBe('1')
    repository.commit({ f: '2' }, { branch: 'moving' })
    const moved = await attempt(lines)
    expect(moved.stderr + moved.stdout).not.toContain('CACHED')
    expect(text(moved.out, 'f')).toBe('2')
  })

  it('is refused where something is not there', async () => {
    expect(await refusal(`ADD ${url}#nothing /`)).toContain('does not contain ref nothing')
    expect(await refusal(`ADD ${url}#:nothing /`)).toContain('has no folder nothing')
    expect(await refusal(`ADD ${url}#:link /`)).toContain('has no folder link')
    expect(await refusal(`ADD ${server.origin}/smart/none.git /`)).toMatch(/none\.git.*\[context-invalid\]/)
    expect(await refusal(`COPY ${url} /`)).toContain("source can't be a git ref for COPY")
  })

  it('works with a server of plain files, which knows neither depth nor single commits', async () => {
    const dumb = `${server.origin}/dumb/app.git`
    expect(text(await added([`ADD ${dumb}?submodules=false /`], '--no-cache'), 'a.txt').trim()).toBe('two')
    expect(text(await added([`ADD ${dumb}?submodules=false#${first} /`], '--no-cache'), 'a.txt').trim()).toBe('one')
    expect(text(await added([`ADD ${dumb} /`], '--no-cache'), 'sub/inner.txt')).toBe('inner')
  })

  it('gives SOURCE_DATE_EPOCH the time of the commit', async () => {
    const context = writeContext(home.dir, {
      Dockerfile: `ARG SOURCE_DATE_EPOCH=src\nFROM scratch AS src\nADD ${url}#v1 /\nFROM scratch\nCOPY f /\n`,
      f: 'f',
    })
    await home.ok('build', '-q', '-t', 'dated', context)
    expect(await home.ok('inspect', '--format={{.Created}}', 'dated')).toMatch(/^"?2017-07-14T02:40:00/)
  })

  describe('that is private', () => {
    const secret = ['--secret', 'id=GIT_AUTH_TOKEN,env=TOKEN']
    const attempted = async (remote: string, args: string[], env: Record<string, string>): Promise<Ran> => {
      const context = writeContext(home.dir, { Dockerfile: `FROM scratch\nADD ${remote}?submodules=false /\n` })
      return home.run(['build', '--no-cache', ...args, context], { env })
    }

    it('is read with the secret GIT_AUTH_TOKEN, which stands nowhere', async () => {
      const ran = await attempted(`${server.origin}/private/app.git`, secret, { TOKEN: 't0p-secret' })
      expect(ran.code, ran.stderr).toBe(0)
      expect(ran.stdout + ran.stderr).not.toContain('t0p-secret')
    })

    it('is refused with another, and with none, without a question', async () => {
      const wrong = await attempted(`${server.origin}/private/app.git`, secret, { TOKEN: 'wr0ng' })
      const none = await attempted(`${server.origin}/private/app.git`, [], {})
      for (const { code, stderr } of [wrong, none]) {
        expect(code).toBe(1)
        expect(stderr).toContain('GIT_AUTH_TOKEN')
        expect(stderr).not.toContain('wr0ng')
      }
    })

    it('is read with the user and password of the URL, which no message repeats', async () => {
      const remote = `${server.origin.replace('//', '//x-access-token:t0p-secret@')}/private/`
      const ran = await attempted(`${remote}app.git`, ['-t', 'private'], {})
      expect(ran.code, ran.stderr).toBe(0)
      expect(await home.ok('history', '--no-trunc', 'private')).not.toContain('t0p-secret')
      const failed = await attempted(`${remote.replace('t0p', 'p@ss')}none.git`, [], {})
      expect(failed.code).toBe(1)
      // The line of the Dockerfile stands above the error.
      expect(failed.stderr.slice(failed.stderr.indexOf('ERROR'))).not.toMatch(/p@ss|ss-secret/)
    })
  })

  it('is not led elsewhere by variables of git', async () => {
    const other = newRepository(join(home.dir, 'other.git'))
    other.commit({ other: 'o' })
    const context = writeContext(home.dir, { Dockerfile: `FROM scratch\nADD ${url}?submodules=false /\n` })
    const out = mkdtempSync(join(home.dir, 'out-'))
    const env = {
      GIT_DIR: other.dir,
      GIT_WORK_TREE: out,
      GIT_INDEX_FILE: join(home.dir, 'index'),
      GIT_OBJECT_DIRECTORY: join(home.dir, 'objects'),
      GIT_NAMESPACE: 'n',
      GIT_CONFIG_PARAMETERS: "'core.autocrlf=true'",
    }
    const ran = await home.run(['build', '--no-cache', '-o', out, context], { env })
    expect(ran.code, ran.stderr).toBe(0)
    expect(readdirSync(out)).toContain('run.sh')
    rmSync(out, { recursive: true })
  })

  it.skipIf(lacks('tools', missingTools('ssh-keygen', 'ssh-add')))(
    'over ssh has the keys that --ssh gives',
    async () => {
      const key = join(home.dir, 'key')
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'given', '-f', key])
      const seen = join(home.dir, 'seen')
      // Instead of ssh: notes what the agent has, and runs what the server would.
      const ssh = join(home.dir, 'ssh')
      const script = `#!/bin/sh\nssh-add -L | cut -d ' ' -f 3 >> ${seen}\nfor command; do :; done\nexec sh -c "$command"\n`
      writeFileSync(ssh, script, { mode: 0o755 })
      const context = writeContext(home.dir, {
        Dockerfile: `FROM scratch\nADD ssh://git@host.invalid${repository.dir}#v1 /\n`,
      })
      const ran = await home.run(['build', '--no-cache', '--ssh', `default=${key}`, context], {
        env: { GIT_SSH_COMMAND: ssh, SSH_AUTH_SOCK: undefined },
      })
      expect(ran.code, ran.stderr).toBe(0)
      expect(new Set(readFileSync(seen, 'utf8').trim().split('\n'))).toEqual(new Set(['given']))
    },
  )

  it('keeps the settings that the user has in GIT_CONFIG_COUNT', async () => {
    const context = writeContext(home.dir, { Dockerfile: 'FROM scratch\nADD http://elsewhere.invalid/app.git#v1 /\n' })
    const env = {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: `url.${server.origin}/smart/.insteadOf`,
      GIT_CONFIG_VALUE_0: 'http://elsewhere.invalid/',
    }
    const ran = await home.run(['build', '--no-cache', context], { env })
    expect(ran.code, ran.stderr).toBe(0)
  })
})
