/** Where builders differ in COPY: paths, links, wildcards, owners, stages; through the program, on an image of busybox. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Builder, newBuilder, noStaticBusybox } from '../support/busybox-image.ts'
import { lacks, noUserNamespace } from '../support/need.ts'

const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())

describe.skipIf(isMissing)('COPY', () => {
  let builder: Builder
  beforeAll(async () => {
    builder = await newBuilder()
  })
  afterAll(() => builder.home.remove())

  describe('of a folder', () => {
    const files = { 'dir/a': 'a', 'dir/sub/b': 'b', 'more/sub/c': 'c', file: 'file' }

    it('copies its contents and not itself, with or without a slash', async () => {
      const built = await builder.build(
        ['FROM scratch', 'COPY dir /one', 'COPY dir/ /two', 'COPY dir more /three/'],
        files,
      )
      expect([...built.root().keys()].sort()).toEqual(
        [
          'one',
          'one/a',
          'one/sub',
          'one/sub/b',
          'three',
          'three/a',
          'three/sub',
          'three/sub/b',
          'three/sub/c',
          'two',
        ].concat(['two/a', 'two/sub', 'two/sub/b']),
      )
    })

    it('merges into what is there, file by file', async () => {
      const built = await builder.build(['FROM scratch', 'COPY dir /out', 'COPY more /out'], files)
      expect([...built.root().keys()]).toEqual(['out', 'out/a', 'out/sub', 'out/sub/b', 'out/sub/c'])
      expect(built.paths(-1)).toEqual(['out', 'out/sub', 'out/sub/c'])
    })

    it('onto a file is an error', async () => {
      const told = await builder.refusal(['FROM scratch', 'COPY file /out', 'COPY dir /out'], files)
      expect(told).toMatch(/cannot copy to non-directory: \/out .*\[copy-failed\]/)
    })

    it('with a folder where the destination has a file is an error', async () => {
      const told = await builder.refusal(['FROM scratch', 'COPY file /out/sub', 'COPY dir /out'], files)
      expect(told).toContain('[copy-failed]')
    })

    it('with a file where the destination has a folder is an error', async () => {
      const told = await builder.refusal(['FROM scratch', 'COPY dir /out/a/', 'COPY dir /out'], files)
      expect(told).toMatch(/cannot replace to directory \/out\/a with file.*\[copy-failed\]/)
    })
  })

  describe('to a destination', () => {
    it('with a slash at its end puts the file into it, without one gives it that name', async () => {
      const built = await builder.build(
        ['FROM scratch', 'ARG D=/by-arg/', 'COPY f /name', 'COPY f /folder/', 'COPY f /clean/../other/.', 'COPY f $D'],
        { f: 'f' },
      )
      const kinds = [...built.root().values()].map((e) => `${e.type} ${e.path}`)
      expect(kinds).toEqual(['d by-arg', '- by-arg/f', 'd folder', '- folder/f', '- name', 'd other', '- other/f'])
    })

    it('that is relative starts at WORKDIR', async () => {
      const built = await builder.build(
        ['FROM scratch', 'WORKDIR /w', 'COPY f name', 'COPY f ./', 'COPY f ../up', 'WORKDIR sub', 'COPY f .'],
        { f: 'f' },
      )
      expect([...built.root().keys()]).toEqual(['up', 'w', 'w/f', 'w/name', 'w/sub', 'w/sub/f'])
    })

    it('that is a folder in the image puts the file into it without a slash', async () => {
      const built = await builder.build(['FROM scratch', 'WORKDIR /there', 'COPY f /there'], { f: 'f' })
      expect([...built.root().keys()]).toEqual(['there', 'there/f'])
    })

    it('follows its links inside the image', async () => {
      const built = await builder.build(
        [
          'FROM box',
          'RUN mkdir -p /real /d && ln -s /real /absolute && ln -s ../../../../up /d/relative && ln -s /nowhere /dangling',
          'RUN ln -s /by-name /dangling-file',
          'COPY f /absolute/',
          'COPY f /absolute/sub/name',
          'COPY f /d/relative/',
          'COPY f /dangling/',
          'COPY f /dangling-file',
        ],
        { f: 'f' },
      )
      const root = built.root()
      for (const path of ['real/f', 'real/sub/name', 'up/f', 'nowhere/f', 'by-name'])
        expect(root.get(path)?.type, path).toBe('-')
      expect(['absolute', 'd/relative', 'dangling', 'dangling-file'].map((path) => root.get(path)?.type)).toEqual([
        'l',
        'l',
        'l',
        'l',
      ])
    })
  })

  it('replaces links below its destination, never what they point to', async () => {
    const built = await builder.build(
      [
        'FROM box',
        'RUN mkdir /out /real && ln -s /etc/passwd /out/a && ln -s /real /out/sub',
        'COPY dir /out',
        'COPY f /up/../../../g',
      ],
      { 'dir/a': 'a', f: 'f' },
    )
    expect(built.root().get('out/a')).toMatchObject({ type: '-', size: '1' })
    expect(built.text('etc/passwd')).toContain('root:x:0:0')
    expect(built.text('g')).toBe('f')
    const told = await builder.refusal(['FROM box', 'RUN mkdir /out && ln -s /etc /out/sub', 'COPY dir /out'], {
      'dir/sub/passwd': '',
    })
    expect(told).toMatch(/cannot copy to non-directory: \/out\/sub .*\[copy-failed\]/)
  })

  it('takes over a whole root, from an image and onto one', async () => {
    const built = await builder.build([
      'FROM box',
      'RUN mkdir /mine',
      'COPY --from=box / /',
      'RUN test -d /mine && echo ok > /ok',
    ])
    expect(built.text('ok')).toBe('ok\n')
    expect(built.root().get('tmp')?.mode).toBe('1777')
  })

  describe('of links in the context', () => {
    const files = {
      'real/inner': 'inner',
      'real/below': { linkTo: 'inner' },
      'to-file': { linkTo: 'real/inner' },
      'to-folder': { linkTo: 'real' },
      'to-host': { linkTo: '../../../../../../../real/inner' },
      absolute: { linkTo: '/real/inner' },
    }

    it('copies what a named link points to, and links below as links', async () => {
      const built = await builder.build(
        ['FROM scratch', 'COPY to-file /file', 'COPY to-folder /folder', 'COPY to-f*le /wild/'],
        files,
      )
      const root = built.root()
      expect(root.get('file')).toMatchObject({ type: '-', size: '5' })
      expect(root.get('folder')?.type).toBe('d')
      expect(root.get('folder/below')).toMatchObject({ type: 'l', link: 'inner' })
      expect(root.get('wild/to-file')).toMatchObject({ type: '-', size: '5' })
    })

    it('takes the root of the context for the root of absolute links and of too many dots', async () => {
      const built = await builder.build(['FROM scratch', 'COPY to-host absolute /'], files)
      expect(built.text('to-host') + built.text('absolute')).toBe('innerinner')
    })
  })

  describe('with wildcards', () => {
    const files = { 'a.txt': '1', 'b.txt': '2', 'c[1].md': '3', 'd/e/f': '4', 'd/f': '5', 'd/e/deep/f': '6' }

    it('matches as Go does, and two stars are one', async () => {
      const built = await builder.build(
        ['FROM scratch', 'COPY ?.txt /one/', 'COPY c[[]1].md /two', 'COPY [a-b].* /three/', 'COPY d/**/f /four/'],
        files,
      )
      expect([...built.root().keys()].sort()).toEqual(
        ['four', 'four/f', 'one', 'one/a.txt', 'one/b.txt', 'three', 'three/a.txt', 'three/b.txt', 'two'].sort(),
      )
      expect(built.text('four/f')).toBe('4')
    })

    it('may match nothing', async () => {
      const built = await builder.build(['FROM scratch', 'COPY no* a.txt /out/'], files)
      expect([...built.root().keys()]).toEqual(['out', 'out/a.txt'])
    })

    it('and nothing else may match nothing at all', async () => {
      const built = await builder.build(['FROM scratch', 'COPY a.txt /', 'COPY no* /out/'], files)
      expect([...built.root().keys()]).toEqual(['a.txt'])
    })

    it('is an error without them if the file is missing', async () => {
      expect(await builder.refusal(['FROM scratch', 'COPY none /'], files)).toMatch(
        /"\/none": not found.*\[copy-failed\]/,
      )
    })
  })

  it('keeps sources with .. or / inside the context', async () => {
    const built = await builder.build(
      ['FROM scratch', 'COPY /f /one', 'COPY ../../f /two', 'COPY d/../../f /three', 'COPY ../etc/passwd /four'],
      { f: 'f', 'd/g': 'g', 'etc/passwd': 'of the context' },
    )
    expect(['one', 'two', 'three', 'four'].map((path) => built.text(path))).toEqual(['f', 'f', 'f', 'of the context'])
  })

  describe('gives owners', () => {
    it('root to what comes from the context, whoever USER is', async () => {
      const built = await builder.build(['FROM box', 'USER app', 'COPY f /new/f'], { f: 'f' })
      expect(built.layer(-1).get('new/f')?.owner).toBe('0:0')
      expect(built.layer(-1).get('new')).toMatchObject({ owner: '0:0', mode: '0755' })
    })

    it('of the source to what comes from a stage, but not to the folder it goes to', async () => {
      const built = await builder.build([
        'FROM box AS made',
        'RUN mkdir -p /d/sub /keep && touch /d/f /d/sub/g && chown -R 12:34 /d && chmod 700 /d && chown 5:6 /keep',
        'FROM made',
        'COPY --from=made /d /out/deep',
        'COPY --from=made /d /keep',
        'COPY --from=made --chown=7:8 /d/f /d/',
      ])
      const root = built.root()
      const owners = (...paths: string[]): unknown[] => paths.map((path) => root.get(path)?.owner)
      expect(owners('out/deep/f', 'out/deep/sub', 'out/deep/sub/g')).toEqual(['12:34', '12:34', '12:34'])
      expect(owners('out', 'out/deep')).toEqual(['0:0', '0:0'])
      expect(owners('keep', 'keep/f')).toEqual(['5:6', '12:34'])
      expect(owners('d', 'd/f', 'd/sub/g')).toEqual(['12:34', '7:8', '12:34'])
      expect(root.get('d')?.mode).toBe('0700')
    })

    it.each([
      ['app', '1000:1001'],
      ['app:staff', '1000:50'],
      ['app:9', '1000:9'],
      ['7', '7:7'],
      ['7:staff', '7:50'],
      ['1000', '1000:1000'],
      ['4000000:70000', '4000000:70000'],
    ])('by --chown=%s as %s', async (chown, owner) => {
      const built = await builder.build(['FROM box', `COPY --chown=${chown} f /new/f`], { f: 'f' })
      expect(built.layer(-1).get('new/f')?.owner).toBe(owner)
      expect(built.layer(-1).get('new')?.owner).toBe(owner)
    })

    it('by the user database of the stage it copies to, through a link inside the image', async () => {
      const built = await builder.build([
        'FROM box AS from',
        'RUN touch /f',
        'FROM scratch',
        'COPY <<EOF /usr/etc/passwd',
        'app:x:77:78::/:',
        'EOF',
        'COPY --from=0 /bin/sh /x/sh',
        'COPY --from=from --chown=77:78 /f /g',
        'FROM box',
        'RUN mkdir /db && mv /etc/passwd /db/passwd && ln -s /db/passwd /etc/passwd && echo late:x:81:82::/: >> /db/passwd',
        'COPY --from=from --chown=late /f /h',
      ])
      expect(built.layer(-1).get('h')?.owner).toBe('81:82')
    })

    it('by number in an image without a user database', async () => {
      const built = await builder.build(['FROM scratch', 'COPY --chown=3 f /f'], { f: 'f' })
      expect(built.layer(0).get('f')?.owner).toBe('3:3')
    })

    it('of a name that the image lacks to nobody: it fails', async () => {
      const ofUser = await builder.refusal(['FROM box', 'COPY --chown=ghost f /f'], { f: 'f' })
      expect(ofUser).toMatch(/user "ghost" is not in the image's \/etc\/passwd.*\[user-unknown\]/)
      const ofGroup = await builder.refusal(['FROM scratch', 'COPY --chown=0:ghosts f /f'], { f: 'f' })
      expect(ofGroup).toMatch(/group "ghosts".*\[user-unknown\]/)
    })
  })

  describe('--from', () => {
    it('takes the number of an earlier stage, a name in any case, or an image', async () => {
      const built = await builder.build(
        [
          'FROM scratch AS Base',
          'COPY f /f',
          'FROM scratch',
          'COPY --from=0 /f /by-number',
          'COPY --from=bASE f /by-name',
          'COPY --from=box /etc/group /by-image',
        ],
        { f: 'f' },
      )
      expect([...built.root().keys()].sort()).toEqual(['by-image', 'by-name', 'by-number'])
    })

    it('refuses variables', async () => {
      const told = await builder.refusal(['ARG S=0', 'FROM scratch', 'FROM scratch', 'ARG S', 'COPY --from=$S /f /f'])
      expect(told).toMatch(/variable expansion is not supported for --from.*\[dockerfile-syntax\]/)
    })

    it('refuses its own stage and later ones', async () => {
      for (const name of ['1', 'later', 'own']) {
        const told = await builder.refusal([
          'FROM scratch',
          'FROM scratch AS own',
          `COPY --from=${name} /f /f`,
          'FROM scratch AS later',
          'COPY --from=own / /',
        ])
        expect(told, name).toMatch(/circular dependency detected on stage: \w+ \[dockerfile-invalid\]/)
      }
    })

    it('never carries deletion marks over', async () => {
      const built = await builder.build([
        'FROM box AS made',
        'RUN mkdir -p /d/old /e && touch /d/old/x /d/gone /e/was',
        'RUN rm -r /d/gone /d/old /e && mkdir /d/old /e && touch /d/old/y /e/is',
        'FROM scratch',
        'COPY --from=made /d /d',
        'COPY --from=made /e /e',
      ])
      const all = built.layers.flatMap((_, i) => built.paths(i))
      expect(all).toEqual(['d', 'd/old', 'd/old/y', 'e', 'e/is'])
    })
  })
})
