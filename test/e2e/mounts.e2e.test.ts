/** RUN --mount, --network and --security through the program: what a step sees, and that nothing of it is in the layer. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Builder, type Built, type ContextFiles, newBuilder, noStaticBusybox } from '../support/busybox-image.ts'
import { lacks, missingTools, noFullMap, noUserNamespace } from '../support/need.ts'

const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())
const modes = [
  ['mapped', isMissing || lacks('mapped', noFullMap())],
  ['single', isMissing],
] as const

describe.each(modes)('RUN in %s mode', (isolation, skipped) => {
  let builder: Builder
  /** The owner of what is mounted with uid=5,gid=6: single mode has one id. */
  const owner = isolation === 'single' ? '0:0' : '5:6'
  const flags = ['--isolation', isolation]
  beforeAll(async () => {
    if (!skipped) builder = await newBuilder()
  })
  afterAll(async () => {
    if (!skipped) await builder.home.remove()
  })

  const build = (dockerfile: readonly string[], files?: ContextFiles, args: readonly string[] = []): Promise<Built> =>
    builder.build(dockerfile, files, [...flags, ...args])
  const refusal = (
    dockerfile: readonly string[],
    files?: ContextFiles,
    args: readonly string[] = [],
  ): Promise<string> => builder.refusal(dockerfile, files, [...flags, ...args])
  /** Text that a step wrote to /out; nothing but that is in its layer. */
  const outOf = (built: Built): string => {
    expect(built.paths(-1)).toEqual(['out'])
    return built.text('out')
  }

  describe.skipIf(skipped)('--mount=type=bind', () => {
    it('shows the context, or its part, without what is ignored', async () => {
      const files = { a: 'a\n', 'd/b': 'b\n', 'd/left': '', '.dockerignore': 'd/left\nDockerfile\n' }
      const run =
        'RUN --mount=target=/all --mount=type=bind,source=d,target=/m/d --mount=src=a,dst=one cat one > /out; ls -A /all /m/d >> /out'
      expect(outOf(await build(['FROM box', run], files))).toBe('a\n/all:\n.dockerignore\na\nd\n\n/m/d:\nb\n')
    })

    it('shows a stage, an image and a named context', async () => {
      const named = await mkdtemp(join(builder.home.dir, 'named-'))
      await writeFile(join(named, 'n'), 'named\n')
      const run = [
        'RUN --mount=from=made,source=/f,target=/1 --mount=from=0,source=/,target=/2 --mount=from=box,source=/etc,target=/3',
        '--mount=from=extra,target=/4 cat /1 /2/f > /out; grep -c root /3/passwd >> /out; cat /4/n >> /out',
      ].join(' ')
      const dockerfile = ['FROM box AS made', 'RUN echo made > /f', 'FROM box', run]
      const built = await build(dockerfile, {}, ['--build-context', `extra=${named}`])
      expect(outOf(built)).toBe('made\nmade\n1\nnamed\n')
    })

    it('is read-only, or with rw drops what is written: this step sees it, the next and the source do not', async () => {
      const dockerfile = (option: string): string[] => [
        'FROM box AS made',
        'RUN echo made > /f',
        'FROM box',
        `RUN --mount=from=made,target=/m${option} echo new > /m/f; touch /m/g; cat /m/f > /first; test -d /m`,
        'RUN --mount=from=made,target=/m ls /m/g > /out; cat /first /m/f >> /out; rmdir /m > /dev/null; true',
      ]
      expect(outOf(await build(dockerfile('')))).toBe('made\nmade\n')
      expect(outOf(await build(dockerfile(',readonly')))).toBe('made\nmade\n')
      expect(outOf(await build(dockerfile(',rw')))).toBe('new\nmade\n')
      expect(outOf(await build(dockerfile(',readwrite=true')))).toBe('new\nmade\n')
    })

    it('of what is not there is an error that names it', async () => {
      const run = (mount: string): string[] => ['FROM box', `RUN --mount=target=/m,${mount} true`]
      expect(await refusal(run('source=nothing'), { f: '' })).toMatch(/Dockerfile:2[^]*"\/nothing": not found/)
      expect(await refusal(run('from=box,source=/nothing'))).toMatch(/"\/nothing": not found/)
    })
  })

  describe.skipIf(skipped)('--mount=type=cache', () => {
    it('keeps what steps put there by its id, which is the target if none is given', async () => {
      const add = (mount: string): string[] => ['FROM box', `RUN --mount=type=cache,${mount} echo x >> /c/f`]
      const count = async (mount: string): Promise<string> => {
        const run = `RUN --mount=type=cache,${mount} cat /r/f 2>/dev/null | wc -l > /out`
        return outOf(await build(['FROM box', run], {}, ['--no-cache'])).trim()
      }
      expect((await build(add('target=/c'))).paths(-1)).toEqual([])
      await build(add('target=/x/../c/'), {}, ['--no-cache'])
      await build(add('target=/c,id=named'))
      expect(await count('target=/r,id=/c')).toBe('2')
      expect(await count('target=/r,id=named,ro')).toBe('1')
      expect(await count('target=/r')).toBe('0')
      const apart = ['--build-arg', 'BUILDKIT_CACHE_MOUNT_NS=other']
      await build(['FROM box', 'RUN --mount=type=cache,target=/r,id=named test ! -e /r/f'], {}, apart)
    })

    it('has the mode and owner that it is given, and cannot be written with ro', async () => {
      const run = [
        'RUN --mount=type=cache,target=/plain --mount=type=cache,target=/c,id=owned,mode=0750,uid=5,gid=6',
        '--mount=type=cache,target=/ro,ro stat -c %a:%u:%g /plain /c > /out; touch /ro/f || echo refused >> /out',
      ].join(' ')
      expect(outOf(await build(['FROM box', run]))).toBe(`755:0:0\n750:${owner}\nrefused\n`)
    })

    it('begins as a copy of what from and source name, which stays as it is', async () => {
      const mount = '--mount=type=cache,target=/c,from=made,source=/d'
      const dockerfile = [
        'FROM box AS made',
        'RUN mkdir -p /d/sub && echo seed > /d/sub/f',
        'FROM box',
        `RUN ${mount} echo more >> /c/sub/f`,
        `RUN ${mount} --mount=from=made,target=/made cat /c/sub/f /made/d/sub/f > /out`,
      ]
      expect(outOf(await build(dockerfile))).toBe('seed\nmore\nseed\n')
    })

    it('is shared, waited for, or another one, as sharing says', async () => {
      const meet = (sharing: string, script: string): string[] => {
        const mount = `RUN --mount=type=cache,target=/c,id=${sharing},sharing=${sharing}`
        return [
          ...['FROM box AS one', `${mount} n=1; ${script}`, 'FROM box AS two', `${mount} n=2; ${script}`],
          ...['FROM box', 'COPY --from=one /made /one', 'COPY --from=two /made /two'],
        ]
      }
      const wait = (what: string): string => `i=0; until ${what} || test $i = 200; do i=$((i+1)); sleep 0.05; done`
      const met = 'touch /c/$n; ' + wait('test $(ls /c | wc -l) = 2') + '; ls /c | wc -l > /made; ' + 'sleep 0.2'
      const shared = await build(meet('shared', met))
      expect([shared.text('one'), shared.text('two')]).toEqual(['2\n', '2\n'])
      const alone = 'mkdir /c/held && sleep 0.5 && rmdir /c/held && echo $n > /made'
      const locked = await build(meet('locked', alone))
      expect([locked.text('one'), locked.text('two')]).toEqual(['1\n', '2\n'])
      const apart = await build(meet('private', 'sleep 0.5; touch /c/$n; sleep 0.5; ls /c > /made'))
      expect([apart.text('one'), apart.text('two')]).toEqual(['1\n', '2\n'])
    })
  })

  describe.skipIf(skipped)('--mount=type=tmpfs', () => {
    it('is empty memory of its size, which covers what is there for one step', async () => {
      const run = [
        "RUN --mount=type=tmpfs,target=/etc,size=1m df -k /etc | tail -n 1 | awk '{ print $1, $2 }' > /out; ls /etc >> /out;",
        'dd if=/dev/zero of=/etc/f bs=1M count=2 2> /dev/null || echo full >> /out',
      ].join(' ')
      const built = await build(['FROM box', run])
      expect(outOf(built)).toBe('tmpfs 1024\nfull\n')
      expect(built.text('etc/passwd')).toContain('root')
    })
  })

  describe.skipIf(skipped)('--mount=type=secret', () => {
    const given = async (dockerfile: readonly string[]): Promise<Built> => {
      const file = join(builder.home.dir, 'the-key')
      await writeFile(file, 'value')
      return build(dockerfile, {}, [`--secret=id=key,src=${file}`])
    }

    it('is a file below /run/secrets for its owner to read, or where and whose it is told to be', async () => {
      const run = [
        'RUN --mount=type=secret,id=key --mount=type=secret,id=key,target=/etc/k,mode=0444,uid=5,gid=6',
        '--mount=type=secret,id=key,target=rel/k stat -c %n:%a:%u:%g /run/secrets/key /etc/k /rel/k > /out;',
        'wc -c < /run/secrets/key >> /out; echo x > /run/secrets/key || echo refused >> /out',
      ].join(' ')
      const shown = `/run/secrets/key:400:0:0\n/etc/k:444:${owner}\n/rel/k:400:0:0\n5\nrefused\n`
      expect(outOf(await given(['FROM box', 'WORKDIR /work', run]))).toBe(shown)
    })

    it('is a variable with env, and a file too if it has a target', async () => {
      const run = [
        'RUN --mount=type=secret,id=key,env=KEY --mount=type=secret,id=key,env=BOTH,target=/k',
        'echo ${#KEY} ${#BOTH} $(wc -c < /k) > /out; test ! -e /run/secrets || echo found >> /out',
      ].join(' ')
      expect(outOf(await given(['FROM box', run]))).toBe('5 5 5\n')
    })

    it('that was not given is an error if it is required, else it is not there', async () => {
      const run =
        'RUN --mount=type=secret,id=none,env=NONE --mount=type=secret,id=none test ! -e /run/secrets && echo ${NONE-unset} > /out'
      expect(outOf(await build(['FROM box', run]))).toBe('unset\n')
      for (const option of ['required', 'required=true'])
        expect(await refusal(['FROM box', `RUN --mount=type=secret,id=none,${option} true`])).toMatch(
          /Dockerfile:2[^]*secret none: not found/,
        )
    })

    it('cannot be a variable without a name', async () => {
      const told = await refusal(['FROM box', 'RUN --mount=type=secret,id=key,env= true'])
      expect(told).toMatch(/Dockerfile:2[^]*a secret cannot be the variable ""/)
    })
  })

  describe.skipIf(skipped || lacks('tools', missingTools('ssh-agent', 'ssh-add', 'ssh-keygen')))(
    '--mount=type=ssh',
    () => {
      it('is a socket to the agent of its id, by default and where it is told to be', async () => {
        const dir = await mkdtemp(join(tmpdir(), 'wherry-agents-'))
        const agents = ['one', 'two'].map((name) => {
          execFileSync('ssh-keygen', [
            '-q',
            '-t',
            'ed25519',
            '-N',
            '',
            '-C',
            `key-${name}`,
            '-f',
            join(dir, `key-${name}`),
          ])
          return spawn('ssh-agent', ['-D', '-a', join(dir, name)], { stdio: 'ignore' })
        })
        try {
          for (const name of ['one', 'two']) {
            const socket = join(dir, name)
            while (!existsSync(socket)) await delay(10)
            execFileSync('ssh-add', ['-q', join(dir, `key-${name}`)], {
              env: { ...process.env, SSH_AUTH_SOCK: socket },
            })
          }
          await builder.home.ok('base', 'host', '-t', 'tools', 'sh', 'stat', 'ssh-add', 'cut', 'test')
          const run = [
            'RUN --mount=type=ssh --mount=type=ssh,id=two,mode=0666,uid=5,gid=6 --mount=type=ssh,id=two,target=/etc/agent',
            '--mount=type=ssh,id=none stat -c %F:%n:%a:%u:%g /run/buildkit/ssh_agent.[0-9] /etc/agent > /out;',
            'ssh-add -L | cut -d " " -f 3 >> /out; SSH_AUTH_SOCK=/etc/agent ssh-add -L | cut -d " " -f 3 >> /out',
          ].join(' ')
          const built = await build(['FROM tools', run], {}, [`--ssh=default=${dir}/one`, `--ssh=two=${dir}/two`])
          const shown = [`0:600:0:0`, `1:666:${owner}`].map((socket) => `socket:/run/buildkit/ssh_agent.${socket}\n`)
          expect(outOf(built)).toBe(`${shown.join('')}socket:/etc/agent:600:0:0\nkey-one\nkey-two\n`)
          expect(await refusal(['FROM tools', 'RUN --mount=type=ssh,required true'])).toMatch(
            /no ssh agent default is forwarded/,
          )
        } finally {
          for (const agent of agents) agent.kill()
          await rm(dir, { recursive: true })
        }
      })
    },
  )

  describe.skipIf(skipped)('with mounts leaves no trace of their targets in its layer', () => {
    const all = [
      '--mount=type=bind,target=/new/bind --mount=type=cache,target=/new/a/cache --mount=type=tmpfs,target=/new/tmpfs',
      '--mount=type=secret,id=key,target=/new/secret --mount=type=secret,id=key --mount=type=cache,target=rel',
    ].join(' ')
    const given = async (lines: readonly string[]): Promise<Built> => {
      const file = join(builder.home.dir, 'any-key')
      await writeFile(file, 'value')
      return build(['FROM box', 'WORKDIR /work', ...lines], { f: '' }, [`--secret=id=key,src=${file}`])
    }

    it('whether it writes or not, and relative ones are below WORKDIR', async () => {
      expect((await given([`RUN ${all} true`])).paths(-1)).toEqual([])
      const run = `RUN ${all} grep -c -E ' (/new/(bind|a/cache|tmpfs|secret)|/run/secrets/key|/work/rel) ' /proc/self/mountinfo > /out`
      expect(outOf(await given([run]))).toBe('6\n')
    })

    it('but keeps what it puts beside them, and a folder of that name that was there', async () => {
      expect((await given([`RUN ${all} echo x > /new/a/beside`])).paths(-1)).toEqual(['new', 'new/a', 'new/a/beside'])
      const built = await given(['RUN mkdir -m 700 -p /new/bind', `RUN ${all} rm -rf /new/bind; true`])
      expect(built.paths(-1)).toEqual([])
      expect(built.root().get('new/bind')?.mode).toBe('0700')
    })
  })

  describe.skipIf(skipped)('--network', () => {
    const seen = 'readlink /proc/self/ns/net > /out; grep -c : /proc/net/dev >> /out'
    const own = readlinkSync('/proc/self/ns/net')
    const net = async (flag: string, ...args: string[]): Promise<'own' | 'none'> => {
      const [name, count] = outOf(await build(['FROM box', `RUN ${flag} ${seen}`], {}, ['--no-cache', ...args])).split(
        '\n',
      )
      if (name !== own) expect(count).toBe('1')
      else expect(count).toBe(String(readFileSync('/proc/net/dev', 'utf8').split(':').length - 1))
      return name === own ? 'own' : 'none'
    }

    it('none has the loopback alone; host and default have the network of this machine', async () => {
      expect(await net('--network=none')).toBe('none')
      expect(await net('--network=host')).toBe('own')
      expect(await net('--network=default')).toBe('own')
      expect(await net('')).toBe('own')
    })

    it('of the build is what default means, and a step has its own', async () => {
      expect(await net('', '--network=none')).toBe('none')
      expect(await net('--network=default', '--network=none')).toBe('none')
      expect(await net('--network=none', '--network=host')).toBe('none')
    })
  })

  describe.skipIf(skipped)('that needs privileges is refused with a reason, before anything runs:', () => {
    it.each([
      ['--security=insecure', /RUN --security=insecure[^]*hint: /],
      ['--device=vendor.example/device=a', /RUN --device[^]*hint: /],
    ])('%s', async (flag, reason) => {
      const told = await refusal(['FROM box', 'RUN echo ran-$((40+2))', `RUN ${flag} true`], {}, ['--no-cache'])
      expect(told).toMatch(reason)
      expect(told).toContain('Dockerfile:3')
      expect(told).not.toContain('ran-42')
    })

    it('--security=sandbox is what every step has', async () => {
      expect(outOf(await build(['FROM box', 'RUN --security=sandbox echo x > /out']))).toBe('x\n')
    })
  })
})
