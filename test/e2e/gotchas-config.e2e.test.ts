/** Where builders differ in what an image's config says: variables, commands, inheritance, history; through the program. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Builder, type Built, newBuilder, noStaticBusybox } from '../support/busybox-image.ts'
import { lacks, noUserNamespace } from '../support/need.ts'

const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())
const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

describe.skipIf(isMissing)('the config', () => {
  let builder: Builder
  beforeAll(async () => {
    builder = await newBuilder()
  })
  afterAll(() => builder.home.remove())

  const history = (built: Built): (string | undefined)[] => built.config.history.map((entry) => entry.created_by)

  describe('ARG', () => {
    it('before FROM is seen by FROM, and inside a stage only once it is named there', async () => {
      const built = await builder.build([
        'ARG BASE=box',
        'ARG V=global',
        'FROM $BASE',
        'LABEL before=[$V]',
        'ARG V',
        'LABEL after=[$V]',
        'RUN echo "$V" > /v',
      ])
      expect(built.config.config['Labels']).toEqual({ before: '[]', after: '[global]' })
      expect(built.text('v')).toBe('global\n')
    })

    it('of a stage beats the one before FROM by its default, and a build arg beats both', async () => {
      const dockerfile = ['ARG V=global', 'FROM scratch', 'ARG V=local', 'LABEL v=$V']
      expect((await builder.build(dockerfile)).config.config['Labels']).toEqual({ v: 'local' })
      const given = await builder.build(dockerfile, {}, ['--build-arg', 'V=given'])
      expect(given.config.config['Labels']).toEqual({ v: 'given' })
    })

    it('ends with its stage, unless a stage is built on that', async () => {
      const built = await builder.build([
        'FROM scratch AS one',
        'ARG V=one',
        'FROM scratch AS two',
        'LABEL of-two=[$V]',
        'FROM one',
        'LABEL of-three=[$V]',
      ])
      expect(built.config.config['Labels']).toEqual({ 'of-three': '[one]' })
    })

    it('and ENV of one name: the later one counts at build time, ENV alone stays in the image', async () => {
      const built = await builder.build(
        [
          'FROM box AS inherited',
          'ENV A=env B=env C=env',
          'FROM inherited',
          'ARG A=arg',
          'ARG B=arg',
          'ENV B=later',
          'ARG D=arg',
          'ENV D=env',
          'RUN echo "$A $B $C $D" > /seen',
          'LABEL seen="$A $B $C $D"',
        ],
        {},
        ['--build-arg', 'A=given', '--build-arg', 'D=given'],
      )
      expect(built.text('seen')).toBe('given later env env\n')
      expect(built.config.config['Labels']).toEqual({ seen: 'given later env env' })
      expect(built.config.config.Env).toEqual([defaultPath, 'A=env', 'B=later', 'C=env', 'D=env'])
    })
  })

  it('ARG of a scan setting is no variable of RUN', async () => {
    const built = await builder.build(['FROM box', 'ARG BUILDKIT_SBOM_SCAN_STAGE=true', 'RUN env > /env'])
    expect(built.text('env')).not.toContain('SBOM')
  })

  it('ENV: names on one line have their values from before it', async () => {
    const built = await builder.build(['FROM scratch', 'ENV a=old', 'ENV a=new b=$a', 'ENV c=$a'])
    expect(built.config.config.Env).toEqual([defaultPath, 'a=new', 'b=old', 'c=new'])
  })

  describe('PATH', () => {
    it('is set where a base has none, in the config and for RUN', async () => {
      const built = await builder.build(['FROM box', 'RUN echo "$PATH" > /path'])
      expect(built.config.config.Env).toEqual([defaultPath])
      expect(built.text('path')).toBe(`${defaultPath.slice(5)}\n`)
    })

    it('can be extended from its default', async () => {
      const built = await builder.build(['FROM scratch', 'ENV PATH=$PATH:/mine'])
      expect(built.config.config.Env).toEqual([`${defaultPath}:/mine`])
    })
  })

  describe('WORKDIR', () => {
    it('adds up, takes variables, and is in the config as one clean path', async () => {
      const built = await builder.build(['FROM scratch', 'ENV D=c', 'WORKDIR /a/', 'WORKDIR b/../$D', 'WORKDIR ./d//'])
      expect(built.config.config['WorkingDir']).toBe('/a/c/d')
    })

    it('makes what is missing as USER, with what is above it, and leaves what is there', async () => {
      const built = await builder.build([
        'FROM box',
        'RUN mkdir -m 700 /there',
        'USER app',
        'WORKDIR /there/new/deep',
        'WORKDIR /there',
      ])
      const root = built.root()
      expect(root.get('there')).toMatchObject({ mode: '0700', owner: '0:0' })
      expect(root.get('there/new')).toMatchObject({ mode: '0755', owner: '1000:1001' })
      expect(root.get('there/new/deep')).toMatchObject({ mode: '0755', owner: '1000:1001' })
    })

    it('makes a layer even if that is empty, but not for the root', async () => {
      const built = await builder.build(['FROM scratch', 'WORKDIR /', 'WORKDIR /a', 'WORKDIR /a'])
      expect(built.config.history.map((entry) => entry.empty_layer === true)).toEqual([true, false, false])
      expect(built.layers.map((_, i) => built.paths(i))).toEqual([['a'], []])
    })
  })

  describe('CMD and ENTRYPOINT', () => {
    it('lose an inherited CMD to a new ENTRYPOINT, of an image and of a stage', async () => {
      const built = await builder.build(['FROM scratch AS base', 'CMD ["old"]', 'FROM base', 'ENTRYPOINT ["new"]'])
      expect(built.config.config['Cmd'] ?? null).toBeNull()
      await builder.build(['FROM scratch', 'CMD ["old"]'], {}, ['-t', 'with-cmd'])
      const child = await builder.build(['FROM with-cmd', 'ENTRYPOINT ["new"]'])
      expect(child.config.config).toMatchObject({ Entrypoint: ['new'] })
      expect(child.config.config['Cmd'] ?? null).toBeNull()
    })

    it.each([[['CMD ["mine"]', 'ENTRYPOINT ["new"]']], [['ENTRYPOINT ["new"]', 'CMD ["mine"]']]])(
      'keep a CMD of their own stage: %j',
      async (lines) => {
        const built = await builder.build(['FROM scratch', ...lines])
        expect(built.config.config).toMatchObject({ Entrypoint: ['new'], Cmd: ['mine'] })
      },
    )

    it('in shell form are not expanded by the builder', async () => {
      const built = await builder.build(['FROM scratch', 'ENV A=b', 'CMD echo $A "$A"'])
      expect(built.config.config['Cmd']).toEqual(['/bin/sh', '-c', 'echo $A "$A"'])
    })
  })

  describe('SHELL', () => {
    it('is what shell forms run in, from there on and in child images', async () => {
      const lines = ['SHELL ["/bin/busybox", "sh", "-e", "-c"]', 'RUN false; touch /not-reached || true']
      expect(await builder.refusal(['FROM box', ...lines])).toContain('[run-failed]')
      await builder.build(['FROM box', 'CMD before', lines[0]!, 'ENTRYPOINT after'], {}, ['-t', 'with-shell'])
      const built = await builder.build(['FROM with-shell', 'CMD mine', 'HEALTHCHECK CMD check'])
      const shell = ['/bin/busybox', 'sh', '-e', '-c']
      expect(built.config.config).toMatchObject({
        Shell: shell,
        Entrypoint: [...shell, 'after'],
        Cmd: [...shell, 'mine'],
        Healthcheck: { Test: ['CMD-SHELL', 'check'] },
      })
    })

    it('form is what a list that is not JSON silently becomes', async () => {
      const built = await builder.build(['FROM scratch', "CMD ['echo', 'x']", 'ENTRYPOINT ["a", ]'])
      expect(built.config.config).toMatchObject({
        Cmd: ['/bin/sh', '-c', "['echo', 'x']"],
        Entrypoint: ['/bin/sh', '-c', '["a", ]'],
      })
    })

    it('itself must be JSON', async () => {
      expect(await builder.refusal(['FROM scratch', 'SHELL /bin/sh -c'])).toContain('[dockerfile-syntax]')
    })
  })

  describe('HEALTHCHECK', () => {
    it('is inherited, its times in nanoseconds', async () => {
      const built = await builder.build([
        'FROM scratch AS base',
        'HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=2s --start-interval=3s --retries=4 CMD ["ok", "?"]',
        'FROM base',
      ])
      expect(built.config.config['Healthcheck']).toEqual({
        Test: ['CMD', 'ok', '?'],
        Interval: 90e9,
        Timeout: 500e6,
        StartPeriod: 2e9,
        StartInterval: 3e9,
        Retries: 4,
      })
    })

    it('counts once, the last time, and NONE takes an inherited one away', async () => {
      const last = await builder.build(['FROM scratch', 'HEALTHCHECK --retries=2 CMD a', 'HEALTHCHECK CMD b'])
      expect(last.config.config['Healthcheck']).toEqual({ Test: ['CMD-SHELL', 'b'] })
      const none = await builder.build(['FROM scratch AS base', 'HEALTHCHECK CMD a', 'FROM base', 'HEALTHCHECK NONE'])
      expect(none.config.config['Healthcheck']).toEqual({ Test: ['NONE'] })
    })
  })

  describe('VOLUME', () => {
    it('keeps what later steps put into it, and makes no folder', async () => {
      const built = await builder.build([
        'FROM box',
        'VOLUME /data /other',
        'VOLUME ["/j"]',
        'RUN mkdir /data && touch /data/f',
      ])
      expect(built.config.config['Volumes']).toEqual({ '/data': {}, '/other': {}, '/j': {} })
      expect(built.paths(-1)).toEqual(['data', 'data/f'])
      expect([...built.root().keys()]).not.toContain('other')
    })
  })

  describe('ONBUILD', () => {
    it('runs in the child right after FROM, in order, then is forgotten', async () => {
      const parent = await builder.build(
        ['FROM box', 'ONBUILD RUN echo one >> /log', 'ONBUILD COPY f /from-child', 'ONBUILD RUN echo two >> /log'],
        { f: 'of the parent' },
        ['-t', 'parent'],
      )
      expect(parent.config.config['OnBuild']).toHaveLength(3)
      const child = await builder.build(['FROM parent', 'RUN echo mine >> /log'], { f: 'of the child' }, [
        '-t',
        'child',
      ])
      expect(child.text('log')).toBe('one\ntwo\nmine\n')
      expect(child.text('from-child')).toBe('of the child')
      expect(child.config.config['OnBuild'] ?? []).toEqual([])
      const grandchild = await builder.build(['FROM child'])
      expect(grandchild.layers).toHaveLength(child.layers.length)
    })

    it('runs in a stage built on a stage that has it, once', async () => {
      const built = await builder.build([
        'FROM box AS base',
        'ONBUILD RUN echo x >> /log',
        'FROM base AS mid',
        'FROM mid',
      ])
      expect(built.text('log')).toBe('x\n')
    })

    it('names stages of the child', async () => {
      await builder.build(['FROM scratch', 'ONBUILD COPY --from=given /f /f'], {}, ['-t', 'asks'])
      const built = await builder.build(['FROM scratch AS given', 'COPY f /f', 'FROM asks'], { f: 'given' })
      expect(built.text('f')).toBe('given')
    })

    it.each(['ONBUILD RUN true', 'FROM box', 'MAINTAINER me'])('cannot be ONBUILD %s', async (trigger) => {
      expect(await builder.refusal(['FROM box', `ONBUILD ${trigger}`])).toContain('[dockerfile-syntax]')
    })
  })

  describe('history', () => {
    it('has one entry for each instruction and as many full ones as there are layers', async () => {
      const base = await builder.build(['FROM box', 'LABEL a=b', 'COPY f /f'], { f: '' }, ['-t', 'with-history'])
      const built = await builder.build(
        ['FROM with-history', 'ENV A=b', 'RUN true', 'ADD f /g', 'USER app', 'WORKDIR /w', 'EXPOSE 80', 'CMD ["x"]'],
        { f: '' },
      )
      expect(built.config.history).toHaveLength(base.config.history.length + 7)
      expect(built.config.history.slice(0, base.config.history.length)).toEqual(base.config.history)
      const own = built.config.history.slice(base.config.history.length)
      expect(own.map((entry) => entry.empty_layer === true)).toEqual([true, false, false, true, false, true, true])
      const full = built.config.history.filter((entry) => entry.empty_layer !== true)
      expect(full).toHaveLength(built.config.rootfs.diff_ids.length)
      expect(built.layers).toHaveLength(built.config.rootfs.diff_ids.length)
    })

    it('shows the args that a RUN had, counted', async () => {
      const built = await builder.build(
        ['FROM box', 'ARG A=1', 'ARG B', 'ARG C', 'ENV A=2', 'RUN echo $A', 'CMD ["a b"]'],
        {},
        ['--build-arg', 'B=2'],
      )
      expect(history(built).slice(-2)).toEqual(['RUN |3 A=2 B=2 C= /bin/sh -c echo $A # buildkit', 'CMD ["a b"]'])
    })

    it('shows a proxy only where an ARG names it, although every RUN has it', async () => {
      const secret = 'http://user:secret@proxy'
      const args = ['--build-arg', `HTTP_PROXY=${secret}`]
      const run = 'RUN echo "$HTTP_PROXY $http_proxy" > /proxy'
      const silent = await builder.build(['FROM box', run], {}, args)
      expect(silent.text('proxy')).toBe(`${secret} ${secret}\n`)
      expect(JSON.stringify(silent.config)).not.toContain('secret')
      const named = await builder.build(['FROM box', 'ARG HTTP_PROXY', run], {}, args)
      expect(history(named).at(-1)).toMatch(`RUN |1 HTTP_PROXY=${secret} /bin/sh -c`)
      expect(named.config.config.Env).toEqual([defaultPath])
    })

    it('has the time of SOURCE_DATE_EPOCH, as have folders that WORKDIR makes; files only where times are rewritten', async () => {
      const dockerfile = ['FROM scratch', 'WORKDIR /w', 'COPY <<EOF /made', 'x', 'EOF', 'ENV A=b']
      const args = ['--build-arg', 'SOURCE_DATE_EPOCH=1700000000']
      const built = await builder.build(dockerfile, {}, args)
      expect(new Set(built.config.history.map((entry) => entry.created))).toEqual(new Set(['2023-11-14T22:13:20Z']))
      expect(built.config.created).toBe('2023-11-14T22:13:20Z')
      expect(built.layer(0).get('w')?.mtime).toBe('2023-11-14 22:13:20')
      expect(built.layer(1).get('made')?.mtime).not.toBe('2023-11-14 22:13:20')
    })
  })
})
