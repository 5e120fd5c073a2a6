/** The flags of COPY and ADD, through the program: what is selected, where it goes, what it is like, and when it is cached. */
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import { type Builder, newBuilder, noStaticBusybox } from '../support/busybox-image.ts'
import { lacks, noUserNamespace } from '../support/need.ts'
import { rawTar } from '../support/raw-tar.ts'

const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())

describe.skipIf(isMissing)('the flags of COPY and ADD', () => {
  let builder: Builder
  beforeAll(async () => {
    builder = await newBuilder()
  })
  afterAll(() => builder.home.remove())

  const paths = async (lines: readonly string[], files: Parameters<Builder['build']>[1]): Promise<string[]> => {
    const built = await builder.build(['FROM scratch', ...lines], files)
    return [...built.root().values()].filter(({ type }) => type !== 'd').map(({ path }) => path)
  }
  const history = async (line: string, files: Parameters<Builder['build']>[1]): Promise<string | undefined> =>
    (await builder.build(['FROM scratch', line], files)).config.history.at(-1)?.created_by

  describe('--parents', () => {
    const files = { 'a/b/one.txt': '1', 'a/b/two.md': '2', 'a/c/d/three.txt': '3', 'top.txt': '0' }

    it.each([
      ['a/b/one.txt top.txt /out/', ['out/a/b/one.txt', 'out/top.txt']],
      ['a/b /out/', ['out/a/b/one.txt', 'out/a/b/two.md']],
      ['a/./b/one.txt /out/', ['out/b/one.txt']],
      ['./a/./c/d /out/', ['out/c/d/three.txt']],
      ['a/**/*.txt /out/', ['out/a/b/one.txt', 'out/a/c/d/three.txt']],
      ['**/*.md /out/', ['out/a/b/two.md']],
      ['a/*/./*.txt /out/', ['out/one.txt']],
      ['nothing/*.txt top.txt /out/', ['out/top.txt']],
    ])('%s', async (words, expected) => {
      expect(await paths([`COPY --parents ${words}`], files)).toEqual(expected)
    })

    it('needs a path without wildcards to be there', async () => {
      const told = await builder.refusal(['FROM scratch', 'COPY --parents a/none /out/'], files)
      expect(told).toMatch(/"\/a\/none": not found.*\[copy-failed\]/)
    })

    it('copies the folders with their modes, from a stage too, and is part of the history', async () => {
      const lines = ['FROM box AS made', 'RUN mkdir -m 750 -p /x/y && chmod 711 /x && echo z > /x/y/z', 'FROM scratch']
      const built = await builder.build([...lines, 'COPY --from=made --parents /x/y/z /out/'])
      const root = built.root()
      expect(['out/x', 'out/x/y', 'out/x/y/z'].map((path) => root.get(path)?.mode)).toEqual(['0711', '0750', '0644'])
      expect(built.config.history.at(-1)?.created_by).toBe('COPY --parents /x/y/z /out/ # buildkit')
    })
  })

  describe('--exclude', () => {
    const files = { 'd/a.txt': 'a', 'd/b.md': 'b', 'd/sub/c.txt': 'c', 'd/sub/d.md': 'd', 'top.md': 't' }

    it.each([
      ['COPY --exclude=*.txt d /', ['b.md', 'sub/c.txt', 'sub/d.md']],
      ['COPY --exclude=**/*.txt d /', ['b.md', 'sub/d.md']],
      ['COPY --exclude=**/*.txt --exclude=!sub/c.txt d /', ['b.md', 'sub/c.txt', 'sub/d.md']],
      ['COPY --exclude=sub --exclude=b.md d /', ['a.txt']],
      ['ADD --exclude=sub d /', ['a.txt', 'b.md']],
      ['COPY --parents --exclude=**/*.md . /out/', ['out/Dockerfile', 'out/d/a.txt', 'out/d/sub/c.txt']],
    ])('%s', async (line, expected) => {
      expect(await paths([line], files)).toEqual(expected)
    })

    it('takes variables', async () => {
      expect(await paths(['ARG E=*.md', 'COPY --exclude=$E d/sub /'], files)).toEqual(['c.txt'])
    })

    it('leaves what it excludes out of the cache key', async () => {
      const lines = ['FROM scratch', 'COPY --exclude=*.log d /kept']
      await builder.build(lines, { 'd/keep': '1', 'd/noise.log': 'first' })
      expect((await builder.build(lines, { 'd/keep': '1', 'd/noise.log': 'second' })).output).toContain('CACHED')
      expect((await builder.build(lines, { 'd/keep': '2', 'd/noise.log': 'second' })).output).not.toContain('CACHED')
    })
  })

  describe('--link', () => {
    it('makes its layer without the image below: links in it are not followed, and it stays cached on another base', async () => {
      const lines = (made: string) => ['FROM box', `RUN ${made}`, 'COPY --link --chown=7:8 f /way/in/f']
      const first = await builder.build(lines('mkdir /real && ln -s /real /way'), { f: 'linked' })
      expect(first.root().get('way')?.type).toBe('d')
      expect(first.root().get('way/in/f')).toMatchObject({ type: '-', owner: '7:8' })
      expect(first.root().has('real/in')).toBe(false)
      const second = await builder.build(lines('echo another > /other'), { f: 'linked' })
      expect(second.config.rootfs.diff_ids.at(-1)).toBe(first.config.rootfs.diff_ids.at(-1))
      expect(second.output).toMatch(/CACHED/)
    })

    it('resolves names of --chown in the image that it is put on', async () => {
      const built = await builder.build(['FROM box', 'COPY --link --chown=app:staff f /f'], { f: '' })
      expect(built.root().get('f')?.owner).toBe('1000:50')
    })

    it.each(['.', './', '/out', '/out/'])('to %s', async (to) => {
      const built = await builder.build(['FROM box', 'WORKDIR /out', `COPY --link f ${to}`], { f: 'text' })
      expect(to === '/out' ? built.text('out') : built.text('out/f')).toBe('text')
    })
  })

  describe('--chmod', () => {
    it.each([
      ['755', '0755', '0755'],
      ['4711', '4711', '4711'],
      ['u=rwX,go=rX', '0644', '0755'],
      ['a+x,g-r', '0715', '0715'],
      ['go=', '0600', '0700'],
      ['g=u', '0664', '0775'],
      ['u+s', '4644', '4755'],
    ])('%s', async (mode, file, folder) => {
      const built = await builder.build(['FROM scratch', `ARG M=${mode}`, 'COPY --chmod=$M d /out/'], { 'd/sub/f': '' })
      expect(built.root().get('out/sub/f')?.mode).toBe(file)
      expect(built.root().get('out/sub')?.mode).toBe(folder)
    })

    it.each(['foo', '888', '77777', 'u+z'])('%s is refused', async (mode) => {
      const told = await builder.refusal(['FROM scratch', `COPY --chmod=${mode} f /`], { f: '' })
      expect(told).toMatch(/Dockerfile:2/)
      expect(told).toContain(`'${mode}'`)
    })
  })

  describe('--chown', () => {
    it.each(['nobody-here', 'app:no-group'])('to %s, which the image does not have, is an error', async (owner) => {
      const told = await builder.refusal(['FROM box', `COPY --chown=${owner} f /`], { f: '' })
      expect(told).toMatch(/Dockerfile:2/)
      expect(told).toContain(owner.split(':').at(-1))
    })

    it('stands in the history with --chmod, --link and --exclude do not', async () => {
      const line = 'COPY --link --exclude=x --chmod=640 --chown=1:2 f /f'
      expect(await history(line, { f: '' })).toBe('COPY --chown=1:2 --chmod=640 f /f # buildkit')
    })
  })

  describe('heredocs', () => {
    it('expand variables unless their name is quoted, and lose leading tabs with <<-', async () => {
      const built = await builder.build(
        `FROM scratch\nARG WHO=you\nCOPY <<plain <<"quoted" <<-tabs /out/\n$WHO \${WHO:-x} \\$WHO\nplain\n$WHO "x"\nquoted\n\tone\n\t\ttwo\ntabs\n`,
      )
      expect(['plain', 'quoted', 'tabs'].map((name) => built.text(`out/${name}`))).toEqual([
        'you you $WHO\n',
        '$WHO "x"\n',
        'one\ntwo\n',
      ])
      expect(built.config.history.at(-1)?.created_by).toBe('COPY <<plain <<quoted <<tabs /out/ # buildkit')
    })
  })

  describe('ADD of a URL', () => {
    const archive = rawTar([{ name: 'inside', data: 'packed' }])
    const asked: IncomingHttpHeaders[] = []
    let server: Server
    let url: string
    let answer: { body: string | Buffer; headers: OutgoingHttpHeaders }
    beforeAll(async () => {
      server = createServer((request, response) => {
        asked.push(request.headers)
        const { etag, 'last-modified': modified } = answer.headers
        const isSame =
          (etag !== undefined && request.headers['if-none-match'] === etag) ||
          (modified !== undefined && request.headers['if-modified-since'] === modified)
        if (isSame) response.writeHead(304).end()
        else response.writeHead(200, answer.headers).end(answer.body)
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    })
    afterAll(() => server.close())

    it.each([
      ['', 'out/f.tar'],
      ['--unpack=false', 'out/f.tar'],
      ['--unpack=true', 'out/inside'],
      ['--unpack', 'out/inside'],
    ])('%s', async (flag, path) => {
      answer = { body: archive, headers: {} }
      const built = await builder.build(['FROM scratch', `ADD ${flag} ${url}/f.tar /out/`])
      expect([...built.root().keys()]).toEqual(['out', path])
    })

    it.each([
      ['ETag', { etag: '"v1"' }, 'if-none-match'],
      ['Last-Modified', { 'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT' }, 'if-modified-since'],
    ])('with %s is downloaded again only if it has changed', async (name, headers, condition) => {
      answer = { body: 'first', headers }
      const lines = ['FROM scratch', `ADD ${url}/${name} /f`]
      const first = await builder.build(lines)
      asked.length = 0
      const again = await builder.build(lines)
      expect(asked.map((header) => header[condition])).toEqual([Object.values(headers)[0]])
      expect(again.output).toContain('CACHED')
      // The kept file serves another step.
      const other = await builder.build(['FROM scratch', `ADD ${url}/${name} /g`])
      expect(other.text('g')).toBe('first')
      expect(other.root().get('g')?.mtime).toBe(first.root().get('f')?.mtime)
      await builder.build(lines, {}, ['--no-cache'])
      expect(asked.at(-1)?.[condition]).toBeUndefined()
      answer = { body: 'second', headers: { etag: '"v2"' } }
      expect((await builder.build(lines)).text('f')).toBe('second')
    })

    it('is downloaded in full when what was kept is pruned', async () => {
      answer = { body: 'kept', headers: { etag: '"kept"' } }
      await builder.build(['FROM scratch', `ADD ${url}/pruned /f`])
      const home = builder.home
      await home.ok('prune', '--all', '--force')
      asked.length = 0
      expect((await builder.build(['FROM scratch', `ADD ${url}/pruned /f`])).text('f')).toBe('kept')
      expect(asked.map((header) => header['if-none-match'])).toEqual([undefined])
    })

    it('with --checksum is checked, and asked for once', async () => {
      answer = { body: 'summed', headers: {} }
      const right = digestOf('summed')
      const wrong = digestOf('other')
      const told = await builder.refusal(['FROM scratch', `ADD --checksum=${wrong} ${url}/summed /f`])
      expect(told).toContain(`${right} (expected: ${wrong})`)
      expect(told).toContain('[digest-mismatch]')
      const lines = ['FROM scratch', 'ARG SUM', `ADD --checksum=$SUM ${url}/summed /f`]
      const built = await builder.build(lines, {}, [`--build-arg=SUM=${right}`])
      expect(built.text('f')).toBe('summed')
      asked.length = 0
      await builder.build(lines, {}, [`--build-arg=SUM=${right}`])
      expect(asked).toEqual([])
    })

    it.each([
      ['ADD --checksum=sha256:abc http://127.0.0.1:1/f /', 'sha256:abc'],
      [`ADD --checksum=${digestOf('')} f /`, 'checksum requires HTTP(S) or Git sources'],
      [`ADD --checksum=${digestOf('')} f g /`, "checksum can't be specified for multiple sources"],
    ])('%s is refused', async (line, told) => {
      expect(await builder.refusal(['FROM scratch', line], { f: '', g: '' })).toContain(told)
    })
  })

  describe('ADD --unpack of a local archive', () => {
    const archive = rawTar([{ name: 'inside', data: 'packed' }])

    it.each([
      ['ADD a.tar /out/', 'out/inside'],
      ['ADD --unpack=true a.tar /out/', 'out/inside'],
      ['ADD --unpack=false a.tar /out/', 'out/a.tar'],
    ])('%s', async (line, path) => {
      expect(await paths([line], { 'a.tar': archive })).toEqual([path])
    })
  })
})
