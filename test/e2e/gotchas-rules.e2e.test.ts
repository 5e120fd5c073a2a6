/** Where builders differ in what is built at all: the cache, .dockerignore, stages, continued lines, ADD, and what wherry refuses. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Builder, type ContextFiles, newBuilder, noStaticBusybox } from '../support/busybox-image.ts'
import { lacks, missingTools, noUserNamespace } from '../support/need.ts'
import { rawTar } from '../support/raw-tar.ts'

const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())

describe.skipIf(isMissing)('a build', () => {
  let builder: Builder
  beforeAll(async () => {
    builder = await newBuilder()
  })
  afterAll(() => builder.home.remove())

  describe('the cache', () => {
    /** Differs each time that it really runs. */
    const dice = 'RUN cat /proc/sys/kernel/random/uuid > /dice'
    const roll = async (
      dockerfile: readonly string[],
      files: ContextFiles = {},
      args: string[] = [],
    ): Promise<string> => (await builder.build([...dockerfile, dice], files, args)).text('dice')

    it('counts names, content and modes of what is copied, but no times', async () => {
      const dockerfile = ['FROM box', 'COPY d /d']
      const first = await roll(dockerfile, { 'd/a': 'bc' })
      expect(await roll(dockerfile, { 'd/a': 'bc' })).toBe(first)
      expect(await roll(dockerfile, { 'd/a': 'bd' })).not.toBe(first)
      expect(await roll(dockerfile, { 'd/ab': 'c' })).not.toBe(first)
      expect(await roll(dockerfile, { 'd/a': { linkTo: 'bc' } })).not.toBe(first)
      expect(await roll(dockerfile, { 'd/a': 'bc', 'd/empty/': '' })).not.toBe(first)
      expect(await roll(['FROM box', 'COPY --chmod=700 d /d'], { 'd/a': 'bc' })).not.toBe(first)
    })

    it('does not count what is not copied or is ignored', async () => {
      const dockerfile = ['FROM box', 'COPY d /d']
      const first = await roll(dockerfile, { 'd/a': '1', '.dockerignore': 'd/*.log' })
      expect(await roll(dockerfile, { 'd/a': '1', 'd/x.log': 'x', other: 'y', '.dockerignore': 'd/*.log' })).toBe(first)
    })

    it('counts an ARG from its declaration on, used or not, and not before', async () => {
      const after = ['FROM box', 'ARG A=1']
      const first = await roll(after)
      expect(await roll(after)).toBe(first)
      expect(await roll(after, {}, ['--build-arg', 'A=2'])).not.toBe(first)
      const before = ['FROM box', dice, 'ARG A=1']
      const one = await builder.build(before)
      const two = await builder.build(before, {}, ['--build-arg', 'A=2'])
      expect(two.config.rootfs).toEqual(one.config.rootfs)
    })

    it('does not count proxies', async () => {
      const first = await roll(['FROM box', 'ENV N=1'])
      expect(await roll(['FROM box', 'ENV N=1'], {}, ['--build-arg', 'HTTPS_PROXY=http://p'])).toBe(first)
    })

    it('counts what is bound into a RUN, and no more of where it comes from', async () => {
      const mount = '--mount=from=made,source=/d,target=/m --mount=source=c,target=/c'
      const bound = async (file: string, context: ContextFiles): Promise<string> => {
        const made = ['FROM box AS made', `RUN mkdir /d && ${file}`]
        const run = `RUN ${mount} cat /proc/sys/kernel/random/uuid > /dice`
        return (await builder.build([...made, 'FROM box', run], context)).text('dice')
      }
      const first = await bound('echo 1 > /d/f', { 'c/f': '1' })
      expect(await bound('printf "1\\n" > /d/f', { 'c/f': '1', other: 'x' })).toBe(first)
      expect(await bound('echo 1 > /d/f && touch /other', { 'c/f': '1' })).toBe(first)
      expect(await bound('echo 2 > /d/f', { 'c/f': '1' })).not.toBe(first)
      expect(await bound('echo 1 > /d/g', { 'c/f': '1' })).not.toBe(first)
      expect(await bound('echo 1 > /d/f', { 'c/f': '2' })).not.toBe(first)
    })

    it('does not count the values of secrets, and counts which a RUN asks for', async () => {
      const rolled = async (option: string, value: string): Promise<string> => {
        const file = join(builder.home.dir, 'a-secret')
        writeFileSync(file, value)
        const run = `RUN --mount=type=secret,id=s${option} cat /proc/sys/kernel/random/uuid > /dice`
        return (await builder.build(['FROM box', run], {}, [`--secret=id=s,src=${file}`])).text('dice')
      }
      const [asFile, asVariable] = [await rolled('', 'one'), await rolled(',env=S', 'one')]
      expect(asVariable).not.toBe(asFile)
      expect([await rolled('', 'two'), await rolled(',env=S', 'two')]).toEqual([asFile, asVariable])
      expect(await rolled(',target=/t', 'one')).not.toBe(asFile)
    })

    it('counts what a stage made, not how', async () => {
      const stages = (how: string): string[] => ['FROM box AS made', `RUN ${how}`, 'FROM box', 'COPY --from=made /f /f']
      const first = await roll(stages('echo same > /f'))
      expect(await roll(stages('printf "same\\n" > /f'))).toBe(first)
      expect(await roll(stages('echo other > /f'))).not.toBe(first)
    })

    it('is not asked with --no-cache', async () => {
      const first = await roll(['FROM box', 'ENV N=2'])
      expect(await roll(['FROM box', 'ENV N=2'], {}, ['--no-cache'])).not.toBe(first)
    })
  })

  describe('.dockerignore', () => {
    const files = {
      'a.log': '',
      'b.txt': '',
      'd/a.log': '',
      'd/keep.log': '',
      'd/e/a.log': '',
      'd/e/f.txt': '',
      'out/in': '',
      'out/deep/wanted': '',
    }
    const left = async (ignore: string): Promise<string[]> => {
      const built = await builder.build(['FROM scratch', 'COPY . /'], { ...files, '.dockerignore': ignore })
      const own = ['Dockerfile', '.dockerignore']
      return [...built.root().values()].filter((e) => e.type === '-' && !own.includes(e.path)).map((e) => e.path)
    }

    it('excludes by patterns from the root of the context, with ** at any depth', async () => {
      expect(await left('*.log\n/out\n')).toEqual(['b.txt', 'd/a.log', 'd/e/a.log', 'd/e/f.txt', 'd/keep.log'])
      expect(await left('**/*.log\nout/')).toEqual(['b.txt', 'd/e/f.txt'])
    })

    it('lets the last match win, and ! brings back what is below an excluded folder', async () => {
      expect(await left('**\n!out/deep/wanted\n!d/*.log\nd/a.log')).toEqual(['d/keep.log', 'out/deep/wanted'])
    })

    it('takes # for a comment only at the start, trims, cleans, and has no byte order mark', async () => {
      expect(await left('\ufeff# note\n  ./d/../d  \n\n out/. \n*.log\n')).toEqual(['b.txt'])
      const built = await builder.build(['FROM scratch', 'COPY . /'], {
        '#odd': '',
        x: '',
        '.dockerignore': ' #odd\nDockerfile',
      })
      expect([...built.root().keys()]).toEqual(['.dockerignore', 'x'])
    })

    it('may exclude itself and the Dockerfile, which are read all the same', async () => {
      const ignore = 'Dockerfile\n.dockerignore\n*.log'
      const built = await builder.build(['FROM scratch', 'COPY . /'], { f: '', 'x.log': '', '.dockerignore': ignore })
      expect([...built.root().keys()]).toEqual(['f'])
    })

    it('beside the Dockerfile under its name counts instead', async () => {
      const built = await builder.build(['FROM scratch', 'COPY . /'], {
        a: '',
        b: '',
        '.dockerignore': 'a',
        'Dockerfile.dockerignore': 'b\nDocker*\n.docker*',
      })
      expect([...built.root().keys()]).toEqual(['a'])
    })

    it('makes what it excludes missing for COPY', async () => {
      const told = await builder.refusal(['FROM scratch', 'COPY a /'], { a: '', '.dockerignore': 'a' })
      expect(told).toMatch(/"\/a": not found[^]*\.dockerignore/)
    })
  })

  describe('stages', () => {
    it('that the target does not need are neither built nor looked up', async () => {
      const built = await builder.build([
        'FROM localhost:1/nothing/there AS unreachable',
        'FROM box AS fails',
        'RUN false',
        'FROM scratch AS used',
        'WORKDIR /used',
        'FROM scratch',
        'COPY --from=used /used /mine',
      ])
      expect([...built.root().keys()]).toEqual(['mine'])
    })

    it('are targets by name in any case or by number; the default is the last', async () => {
      const dockerfile = [
        'FROM scratch AS First',
        'LABEL s=1',
        'FROM scratch AS second',
        'LABEL s=2',
        'FROM scratch',
        'LABEL s=3',
      ]
      const label = async (...args: string[]): Promise<unknown> =>
        (await builder.build(dockerfile, {}, args)).config.config['Labels']
      expect(await label()).toEqual({ s: '3' })
      expect(await label('--target', 'fIRST')).toEqual({ s: '1' })
      expect(await label('--target', '1')).toEqual({ s: '2' })
      expect(await builder.refusal(dockerfile, {}, ['--target', 'third'])).toContain(
        'target stage "third" could not be found',
      )
    })
  })

  describe('a continued line', () => {
    it('skips comments and empty lines within, wherever they begin', async () => {
      const built = await builder.build([
        '  # a comment',
        'FROM box',
        'RUN echo one > /out && \\',
        '# between',
        '    # indented',
        '',
        '    echo two >> /out \\   ',
        '    && echo "# three" >> /out',
      ])
      expect(built.text('out')).toBe('one\ntwo\n# three\n')
    })

    it('has the character that the escape directive says', async () => {
      const built = await builder.build(['# escape=`', 'FROM box', 'ENV A=C:\\dir B=`$x', 'RUN echo "$A" `', ' > /out'])
      expect(built.config.config.Env?.slice(1)).toEqual(['A=C:\\dir', 'B=$x'])
      expect(built.paths(-1)).toEqual(['out'])
    })

    it('in JSON form leaves backslashes to JSON', async () => {
      const built = await builder.build(['FROM scratch', 'CMD ["a\\tb", \\', '  "c\\\\d"]'])
      expect(built.config.config['Cmd']).toEqual(['a\tb', 'c\\d'])
    })
  })

  describe('ADD', () => {
    const archive = rawTar([
      { name: './', flag: '5', mode: 0o700 },
      { name: 'sub/', flag: '5', mode: 0o750 },
      { name: 'sub/f', data: 'packed' },
    ])

    const packers = { gzip: ['-z'], bzip2: ['-j'], xz: ['-J'], zstd: ['--zstd'], tar: [] }
    for (const [tool, flags] of Object.entries(packers)) {
      it.skipIf(lacks('tools', missingTools(tool)))(
        `unpacks what is ${tool} by content, whatever its name`,
        async () => {
          const dir = mkdtempSync(join(builder.home.dir, 'pack-'))
          writeFileSync(join(dir, 'f'), 'packed')
          execFileSync('tar', [...flags, '-cf', join(dir, 'packed'), '-C', dir, 'f'])
          const packed = readFileSync(join(dir, 'packed'))
          const built = await builder.build(['FROM scratch', 'ADD data.txt /out'], { 'data.txt': packed })
          expect(built.text('out/f')).toBe('packed')
        },
      )
    }

    it('copies what has an archive’s name alone, and COPY unpacks nothing', async () => {
      const built = await builder.build(['FROM scratch', 'ADD a.tar.gz /a', 'COPY b.tar /b'], {
        'a.tar.gz': 'text',
        'b.tar': archive,
      })
      expect([...built.root().values()].map((e) => `${e.type}${e.path}`)).toEqual(['-a', '-b'])
    })

    it('resolves a link to an archive first, and leaves the folder it unpacks into as it was', async () => {
      const built = await builder.build(['FROM box', 'RUN mkdir -m 711 /out', 'ADD link /out', 'ADD absolute /out2'], {
        'real.bin': archive,
        link: { linkTo: 'real.bin' },
        absolute: { linkTo: '/real.bin' },
      })
      const root = built.root()
      expect(root.get('out')?.mode).toBe('0711')
      expect(root.get('out2')?.mode).toBe('0755')
      expect(root.get('out/sub')?.mode).toBe('0750')
      expect(built.text('out2/sub/f')).toBe('packed')
    })

    it('of a URL is root’s alone, has the time of the server and the name of the path, and is asked for again', async () => {
      let body = 'first'
      const server = createServer((_, response) =>
        response.writeHead(200, { 'Last-Modified': 'Tue, 14 Nov 2023 22:13:20 GMT' }).end(body),
      )
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      try {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/some/file.tar?query=1`
        const dockerfile = ['FROM scratch', `ADD ${url} /out/`, `ADD --chown=3:4 --chmod=640 ${url} /named`]
        const built = await builder.build(dockerfile)
        expect(built.root().get('out/file.tar')).toMatchObject({
          mode: '0600',
          owner: '0:0',
          mtime: '2023-11-14 22:13:20',
        })
        expect(built.root().get('named')).toMatchObject({ mode: '0640', owner: '3:4' })
        expect((await builder.build(dockerfile)).output.match(/CACHED/g)).toHaveLength(2)
        body = 'second'
        expect((await builder.build(dockerfile)).text('named')).toBe('second')
      } finally {
        server.close()
      }
    })
  })

  describe('what wherry cannot do is refused by its name', () => {
    it.each([
      ['RUN --security=insecure true', 'RUN --security=insecure'],
      ['RUN --device=vendor.example/device=a true', 'RUN --device'],
    ])('%s', async (line, name) => {
      const told = await builder.refusal(['FROM box', line], { f: '' })
      expect(told).toMatch(/Dockerfile:2/)
      expect(told).toContain(name)
    })
  })
})
