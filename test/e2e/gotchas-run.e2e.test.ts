/** Where builders differ in RUN and in what its layer holds: marks, links, attributes, traces, users, heredocs. */
import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readFileSync } from 'node:fs'
import { type Builder, busybox, newBuilder, noStaticBusybox, xattrsOf } from '../support/busybox-image.ts'
import { lacks, noFullMap, noUserNamespace } from '../support/need.ts'
import { rawTar } from '../support/raw-tar.ts'

const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())
const hasOneId = lacks('mapped', noFullMap())

/** `cap_net_raw+ep` as the kernel stores it in version 2: 20 bytes. */
const netRaw = `\x01\0\0\x02\0\x20${'\0'.repeat(14)}`

describe.skipIf(isMissing)('RUN', () => {
  let builder: Builder
  beforeAll(async () => {
    builder = await newBuilder()
  })
  afterAll(() => builder.home.remove())

  describe('that deletes', () => {
    it('leaves a mark for each thing that a lower layer had, and none for what it made itself', async () => {
      const built = await builder.build([
        'FROM box',
        'RUN mkdir -p /d/sub && touch /d/f /d/sub/g /d/stays',
        'RUN rm -r /d/f /d/sub && touch /d/x && rm /d/x',
      ])
      expect(built.paths(-1)).toEqual(['d', 'd/.wh.f', 'd/.wh.sub'])
      expect(built.layer(-1).get('d/.wh.f')).toMatchObject({ type: '-', size: '0' })
      expect([...built.root().keys()].filter((path) => path.startsWith('d'))).toEqual(['d', 'd/stays'])
    })

    it('and makes the folder anew hides all that was below it, before what is new', async () => {
      const built = await builder.build([
        'FROM box',
        'RUN mkdir -p /d/sub && touch /d/f /d/sub/g',
        'RUN rm -r /d && mkdir -p /d/.a /d/sub && touch /d/new',
      ])
      expect(built.paths(-1)).toEqual(['d', 'd/.wh..wh..opq', 'd/.a', 'd/new', 'd/sub'])
      expect([...built.root().keys()].filter((path) => path.startsWith('d'))).toEqual(['d', 'd/.a', 'd/new', 'd/sub'])
    })

    it('puts a file where a folder was and a folder where a file was, for later steps too', async () => {
      const built = await builder.build([
        'FROM box',
        'RUN mkdir -p /folder/sub && touch /folder/sub/f /file',
        'RUN rm -r /folder /file && echo now > /folder && mkdir /file && echo in > /file/in',
        'RUN cat /folder /file/in > /seen',
        'RUN rm /folder && mkdir /folder && ls /folder | wc -l > /left',
      ])
      expect([built.text('seen'), built.text('left')]).toEqual(['now\nin\n', '0\n'])
      expect(built.root().get('folder')?.type).toBe('d')
      expect([...built.root().keys()]).not.toContain('folder/sub')
    })

    it('hides it from later steps and stages', async () => {
      const built = await builder.build([
        'FROM box AS made',
        'RUN mkdir /d && touch /d/f /d/g',
        'RUN rm /d/f',
        'FROM made AS seen',
        'RUN ls -A /d > /list',
        'FROM scratch',
        'COPY --from=seen /list /d* /out/',
      ])
      expect(built.text('out/list')).toBe('g\n')
      expect([...built.root().keys()]).toEqual(expect.arrayContaining(['out/g', 'out/list']))
      expect([...built.root().keys()]).not.toContain('out/f')
    })
  })

  it('that moves a folder of a lower layer brings all of it along', async () => {
    const built = await builder.build(['FROM box', 'RUN mkdir -p /d/sub && echo text > /d/sub/f', 'RUN mv /d /e'])
    expect(built.paths(-1)).toEqual(['.wh.d', 'e', 'e/sub', 'e/sub/f'])
    expect(built.text('e/sub/f')).toBe('text\n')
  })

  it('keeps pipes, long names and names that are not UTF-8', async () => {
    const long = `${'n'.repeat(200)}/${'m'.repeat(250)}`
    const built = await builder.build([
      'FROM box AS made',
      `RUN mkdir -p /d/${'n'.repeat(200)} && touch /d/${long} "/d/$(printf '\\377x')" && mkfifo /d/p`,
      'FROM scratch',
      'COPY --from=made /d /d',
    ])
    expect(built.root().get(`d/${long}`)?.type).toBe('-')
    expect(built.root().get('d/p')?.type).toBe('p')
    expect(built.paths(-1)).toHaveLength(5)
    expect(
      execFileSync('tar', ['--warning=no-unknown-keyword', '--quoting-style=escape', '-tf', built.layers.at(-1)!], {
        encoding: 'utf8',
      }),
    ).toContain('d/\\377x\n')
  })

  it('keeps owners that no range of ids here may hold, or says what does', async () => {
    const dockerfile = ['FROM box', 'COPY --chown=4000000:70000 f /f', 'RUN cat /f > /g']
    const ran = await builder.attempt(dockerfile, { f: 'f' })
    if (ran.code !== 0)
      expect(ran.stderr).toMatch(/4000000:70000, which is not mapped here .*\nhint: .*--isolation single/)
    const built = await builder.build(dockerfile, { f: 'f' }, ran.code === 0 ? [] : ['--isolation', 'single'])
    expect(built.root().get('f')?.owner).toBe('4000000:70000')
    expect(built.text('g')).toBe('f')
    expect(built.paths(-1)).toEqual(['g'])
  })

  describe('with hard links', () => {
    it('stores a file once, and links to it by a name without a leading slash', async () => {
      const built = await builder.build(['FROM box', 'RUN mkdir /d && echo text > /d/a && ln /d/a /d/b && ln /d/a /c'])
      const layer = built.layer(-1)
      expect(layer.get('c')).toMatchObject({ type: '-', size: '5' })
      expect(layer.get('d/a')).toMatchObject({ type: 'h', link: 'c' })
      expect(layer.get('d/b')).toMatchObject({ type: 'h', link: 'c' })
    })

    it('to a file of a lower layer brings its content along', async () => {
      const built = await builder.build(['FROM box', 'RUN mkdir /d && echo text > /d/a', 'RUN ln /d/a /z'])
      const layer = built.layer(-1)
      const z = layer.get('z')
      const first = z?.type === 'h' ? layer.get(z.link ?? '') : z
      expect(first).toMatchObject({ type: '-', size: '5' })
      expect(built.text('z')).toBe('text\n')
    })

    it('keeps them through COPY --from and through later steps', async () => {
      const built = await builder.build([
        'FROM box AS made',
        'RUN mkdir /d && echo text > /d/a && ln /d/a /d/b',
        'RUN stat -c %h /d/a > /links',
        'FROM scratch',
        'COPY --from=made /d /links /out/',
      ])
      expect(built.text('out/links')).toBe('2\n')
      expect(built.layer(-1).get('out/b')).toMatchObject({ type: 'h', link: 'out/a' })
    })
  })

  describe('with attributes', () => {
    const files = {
      'caps.tar': rawTar([
        { name: 'ping', mode: 0o4755, data: 'ping', pax: { 'SCHILY.xattr.security.capability': netRaw } },
        { name: 'noted', data: 'noted', pax: { 'SCHILY.xattr.user.note': 'n=1' } },
      ]),
    }

    it('keeps file capabilities in version 2, and no other attribute of an archive, through ADD, COPY, RUN and --chown', async () => {
      const built = await builder.build(
        [
          'FROM box AS made',
          'ADD caps.tar /bin/',
          'RUN mv /bin/ping /bin/moved && cp -a /bin/noted /bin/copied',
          'FROM box',
          'COPY --from=made --chown=5:6 /bin/moved /bin/noted /out/',
        ],
        files,
      )
      expect(xattrsOf(built.layers.at(-1)!, 'out/moved')).toEqual({ 'security.capability': netRaw })
      expect(xattrsOf(built.layers.at(-1)!, 'out/noted')).toEqual({})
      expect(built.layer(-1).get('out/moved')?.owner).toBe('5:6')
      const moved = await builder.build(['FROM box', 'ADD caps.tar /bin/', 'RUN mv /bin/ping /bin/moved'], files)
      expect(xattrsOf(moved.layers.at(-1)!, 'bin/moved')).toEqual({ 'security.capability': netRaw })
    })

    it('stores nothing of the overlay’s own', async () => {
      const built = await builder.build([
        'FROM box',
        'RUN mkdir /d /e && touch /d/f',
        'RUN rm -r /d && mkdir /d && mv /e /cfg && chmod 700 /cfg',
      ])
      for (const path of ['d', 'cfg']) expect(xattrsOf(built.layers.at(-1)!, path), path).toEqual({})
    })

    it('keeps setuid, setgid and sticky bits, also through COPY and --chown', async () => {
      const built = await builder.build([
        'FROM box AS made',
        'RUN mkdir /d && cd /d && touch u g && mkdir s && chmod 4755 u && chmod 2711 g && chmod 1777 s',
        'FROM scratch',
        'COPY --from=made /d /d',
        'COPY --from=made --chown=1:2 /d /e',
      ])
      const root = built.root()
      for (const folder of ['d', 'e'])
        expect(['u', 'g', 's'].map((name) => root.get(`${folder}/${name}`)?.mode)).toEqual(['4755', '2711', '1777'])
    })

    it('emits what only changed its mode or owner', async () => {
      const built = await builder.build([
        'FROM box',
        'RUN mkdir /d && echo text > /d/f && touch /d/g /d/h',
        'RUN chmod 600 /d/f && chown 3:4 /d/g && chmod 644 /d/h',
      ])
      expect(built.layer(-1).get('d/f')).toMatchObject({ mode: '0600', size: '5' })
      expect(built.layer(-1).get('d/g')?.owner).toBe('3:4')
      expect(built.paths(-1)).not.toContain('d/h')
    })
  })

  describe('leaves no trace of what is mounted for it', () => {
    it('in an image that has nothing', async () => {
      const built = await builder.build(
        [
          'FROM scratch',
          'COPY --chmod=755 busybox /busybox',
          'RUN ["/busybox", "touch", "/made"]',
          'RUN ["/busybox", "true"]',
        ],
        { busybox: readFileSync(busybox) },
      )
      expect(built.layers.map((_, i) => built.paths(i))).toEqual([['busybox'], ['made'], []])
    })

    it('although the step sees and uses it', async () => {
      const built = await builder.build([
        'FROM box',
        'RUN test -d /proc/self && test -d /sys/kernel && test -c /dev/null && test -e /etc/hosts && test -e /etc/resolv.conf',
        'RUN echo x >> /etc/hosts; echo y >> /etc/resolv.conf; touch /dev/shm/x; echo ok > /ok',
      ])
      expect(built.paths(-2)).toEqual([])
      expect(built.paths(-1)).toEqual(['ok'])
    })

    it('but keeps what the step itself puts beside it', async () => {
      const built = await builder.build(
        ['FROM scratch', 'COPY --chmod=755 busybox /busybox', 'RUN ["/busybox", "touch", "/etc/mine"]'],
        { busybox: readFileSync(busybox) },
      )
      expect(built.paths(-1)).toEqual(['etc', 'etc/mine'])
    })

    it('and keeps what the image had there', async () => {
      const built = await builder.build(['FROM box', 'COPY etc /etc', 'RUN cat /etc/hosts /etc/resolv.conf'], {
        'etc/hosts': 'of the image\n',
        'etc/real': 'of the image\n',
        'etc/resolv.conf': { linkTo: 'real' },
      })
      expect(built.text('etc/hosts') + built.text('etc/real')).toBe('of the image\nof the image\n')
      expect(built.root().get('etc/resolv.conf')).toMatchObject({ type: 'l', link: 'real' })
      expect(built.paths(-1)).toEqual([])
    })
  })

  describe('as USER', () => {
    it.skipIf(hasOneId)('has its ids, its other groups and its home', async () => {
      const built = await builder.build([
        'FROM box',
        'RUN mkdir -m 777 /out',
        'USER app',
        'RUN echo "$(id -u):$(id -g) $(id -G) $HOME" > /out/name',
        'USER app:staff',
        'RUN echo "$(id -u):$(id -g) $(id -G)" > /out/group',
        'USER 1000',
        'RUN echo "$(id -u):$(id -g) $(id -G)" > /out/number',
        'USER 4242',
        'RUN echo "$(id -u):$(id -g) $HOME" > /out/stranger',
        'ENV HOME=/mine',
        'RUN echo "$HOME" > /out/home',
      ])
      const seen = (name: string): string => built.text(`out/${name}`).trim()
      expect(seen('name')).toBe('1000:1001 1001 50 60 /home/app')
      expect(seen('group')).toBe('1000:50 50')
      expect(seen('number')).toBe('1000:1001 1001 50 60')
      expect(seen('stranger')).toBe('4242:0 /')
      expect(seen('home')).toBe('/mine')
    })

    it('owns what it makes', async () => {
      const built = await builder.build(['FROM box', 'RUN mkdir -m 777 /out', 'USER app', 'RUN touch /out/f'])
      expect(built.layer(-1).get('out/f')?.owner).toBe(hasOneId ? '0:0' : '1000:1001')
      expect(built.config.config['User']).toBe('app')
    })

    it('fails if the image does not know the name', async () => {
      expect(await builder.refusal(['FROM box', 'USER ghost', 'RUN true'])).toMatch(/"ghost".*\[user-unknown\]/)
    })
  })

  describe('with a heredoc', () => {
    it('runs it in the shell, which alone expands it', async () => {
      const built = await builder.build([
        'FROM box',
        'ENV A=env',
        'RUN <<EOF',
        'A=shell',
        'echo "$A" > /one',
        'EOF',
        "RUN cat <<EOF > /two && cat <<'LIT' > /three",
        '$A $((1+1))',
        'EOF',
        '$A',
        'LIT',
        'RUN <<-EOF',
        '\techo tab > /four',
        '\tEOF',
      ])
      expect(['one', 'two', 'three', 'four'].map((path) => built.text(path))).toEqual([
        'shell\n',
        'env 2\n',
        '$A\n',
        'tab\n',
      ])
    })

    it('runs it as a program if it begins with #!', async () => {
      const built = await builder.build([
        'FROM box',
        'RUN <<EOF',
        '#!/bin/awk -f',
        'BEGIN { print "awk" > "/out" }',
        'EOF',
      ])
      expect(built.text('out')).toBe('awk\n')
      expect(built.paths(-1)).toEqual(['out'])
    })

    it('of COPY has its variables expanded, unless it is quoted', async () => {
      const built = await builder.build([
        'FROM scratch',
        'ENV A=env',
        'COPY <<one <<"two" /out/',
        '$A',
        'one',
        '$A',
        'two',
      ])
      expect([built.text('out/one'), built.text('out/two')]).toEqual(['env\n', '$A\n'])
      expect(built.root().get('out/one')).toMatchObject({ mode: '0644', owner: '0:0' })
    })
  })
})
