import { describe, expect, it } from 'vitest'
import { platformOf, runtimeOf } from '../../src/oci/config.ts'
import type { Platform } from '../../src/oci/platform.ts'
import { isIndexWanted } from '../../src/plan/buildkit-args.ts'
import { amd64, baseImage, config, history, kinds, plan, runs } from './planned.ts'

const refusal = async (text: string, options: Parameters<typeof plan>[1] = {}): Promise<unknown> =>
  plan(text, options).then(
    () => 'no error',
    (error: unknown) => error,
  )

describe('stages that the target does not need', () => {
  it.each([
    ['FROM $nothing AS a\nFROM scratch\n', 'base name ($nothing) should not be blank', 1],
    ['FROM --platform=$nothing b AS a\nFROM scratch\n', 'empty platform value from expression $nothing', 1],
    [
      'FROM --platform=a/b/c/d b AS a\nFROM scratch\n',
      'failed to parse platform a/b/c/d: "a/b/c/d": cannot parse platform specifier: invalid argument',
      1,
    ],
    ['FROM scratch AS a\nCOPY --from=7 /x /\nFROM scratch\n', 'invalid stage index 7', 2],
    ['FROM scratch AS a\nCOPY --from=a /x /\nFROM scratch\n', 'circular dependency detected on stage: a', 2],
    ['FROM scratch\nCOPY --from=0 /x /\nFROM scratch\n', 'circular dependency detected on stage: stage-0', 2],
    [
      'FROM scratch AS a\nCOPY --from=b /x /\nFROM scratch AS b\nRUN --mount=from=a,target=/m x\nFROM scratch\n',
      'circular dependency detected on stage: a',
      4,
    ],
    [
      'FROM b AS s0\nCOPY --from=s2 f /\nFROM b AS s1\nCOPY --from=s0 f /\nFROM b AS s2\nCOPY --from=s1 f /\n',
      'circular dependency detected on stage: s0',
      4,
    ],
  ])('are checked too: %j', async (text, message, startLine) => {
    expect(await refusal(text)).toMatchObject({ code: 'dockerfile-invalid', message, at: { startLine } })
  })

  it('are not resolved', async () => {
    const asked: string[] = []
    const resolveBase = (name: string): Promise<ReturnType<typeof baseImage>> => {
      asked.push(name)
      return Promise.resolve(baseImage(name))
    }
    await plan('FROM a AS one\nCOPY --from=left /x /\nFROM b\n', { resolveBase })
    expect(asked).toEqual(['b'])
  })
})

describe('the stage that a name means', () => {
  const twice = 'FROM scratch AS s\nRUN one\nFROM scratch AS s\nRUN two\n'

  it('is the latest above for FROM, and the last of the file for COPY --from and --target', async () => {
    expect(runs(await plan(`${twice}FROM s\n`)).map((r) => r.args.at(-1))).toEqual(['two'])
    expect(runs(await plan(twice, { target: 'S' })).map((r) => r.args.at(-1))).toEqual(['two'])
    const later = 'FROM scratch AS s\nFROM scratch AS x\nCOPY --from=s /x /\nFROM scratch AS s\n'
    expect(await refusal(later, { target: 'x' })).toMatchObject({
      message: 'cannot copy from stage "s", it needs to be defined before current stage "x"',
      at: { startLine: 3 },
    })
  })

  it('is an image for a stage of that very name', async () => {
    const p = await plan('FROM alpine AS alpine\nRUN x\n')
    expect(p.target.base).toBeDefined()
  })

  it('is nothing for COPY --from=scratch', async () => {
    const p = await plan('FROM scratch\nCOPY --from=scratch /x* /\n')
    expect([...p.steps.values()][0]).toMatchObject({ from: { kind: 'tree', tree: { kind: 'base', diffIds: [] } } })
  })
})

describe('a stage built on another', () => {
  it('sees the config of it before its args', async () => {
    const p = await plan('FROM scratch AS a\nENV x=env\nARG x=arg\nARG y=arg\nFROM a\nRUN echo $x\n')
    expect(runs(p)[0]!.env).toEqual(['y=arg', expect.stringMatching(/^PATH=/), 'x=env'])
  })

  it('says its args in the history of RUN', async () => {
    const p = await plan('FROM scratch AS a\nARG x=1\nFROM a\nARG y=2\nRUN z\n')
    expect(history(p).at(-1)).toBe('RUN |2 x=1 y=2 /bin/sh -c z # buildkit')
  })

  it('keeps no CMD of it under an ENTRYPOINT of its own', async () => {
    const p = await plan('FROM scratch AS a\nCMD ["c"]\nFROM a\nENTRYPOINT ["e"]\n')
    expect(config(p).cmd).toBeUndefined()
  })
})

describe('platforms', () => {
  const arm64 = { os: 'linux', architecture: 'arm64' }
  const asked: [string, Platform][] = []
  const resolveBase = (name: string, platform: Platform): Promise<ReturnType<typeof baseImage>> => {
    asked.push([name, platform])
    return Promise.resolve(baseImage(name))
  }

  it('of FROM may be variables, own args among them', async () => {
    asked.length = 0
    const text =
      'ARG P=linux/arm/v7\nFROM --platform=$BUILDPLATFORM a AS a\nFROM --platform=$P b AS b\nFROM c\n' +
      'COPY --from=a / /\nCOPY --from=b / /\n'
    await plan(text, { targetPlatform: arm64, resolveBase })
    expect(Object.fromEntries(asked)).toMatchObject({
      a: amd64,
      b: { architecture: 'arm', variant: 'v7' },
      c: arm64,
    })
  })

  it('that the user names are those of the image, whatever its base is for', async () => {
    const text = 'FROM --platform=$BUILDPLATFORM a\n'
    const given = await plan(text, { targetPlatform: arm64, isPlatformGiven: true })
    expect(platformOf(given.target.config)).toMatchObject(arm64)
    expect(platformOf((await plan(text)).target.config)).toMatchObject(amd64)
  })

  it('of scratch are the target, whatever FROM says', async () => {
    const p = await plan('FROM --platform=linux/riscv64 scratch\n', { targetPlatform: arm64 })
    expect(platformOf(p.target.config)).toMatchObject(arm64)
  })

  it('are args, which build args replace', async () => {
    const text = 'FROM scratch\nARG TARGETARCH BUILDARCH TARGETPLATFORM TARGETSTAGE TARGETVARIANT\nRUN x\n'
    const p = await plan(text, { targetPlatform: arm64, buildArgs: { BUILDARCH: 'mine' } })
    expect(runs(p)[0]!.env.slice(1)).toEqual([
      'TARGETARCH=arm64',
      'BUILDARCH=mine',
      'TARGETPLATFORM=linux/arm64',
      'TARGETSTAGE=default',
      'TARGETVARIANT=',
    ])
  })
})

describe('WORKDIR', () => {
  it.each([
    ['WORKDIR /a//b/../c', '/a//b/../c', '/a/c'],
    ['WORKDIR /a/', '/a/', '/a'],
    ['WORKDIR /a\nWORKDIR b/../c/', '/a/c', '/a/c'],
    ['WORKDIR /a\nWORKDIR $nothing', '/a', '/a'],
    ['WORKDIR C:\\\\x', '/C:\\x', '/C:\\x'],
  ])('%j is %s in the config and %s on disk', async (text, written, path) => {
    const p = await plan(`FROM scratch\n${text}\n`)
    expect(config(p).workingDir).toBe(written)
    expect([...p.steps.values()].at(-1)).toMatchObject({ kind: 'workdir', path })
    expect(history(p).at(-1)).toBe(`WORKDIR ${written}`)
  })

  it('of a base counts as given again', async () => {
    const bases = { b: baseImage('b', { WorkingDir: 'rel' }), c: baseImage('c', { WorkingDir: '/c/./' }) }
    expect(config(await plan('FROM b\n', {}, bases)).workingDir).toBe('/rel/rel')
    expect(config(await plan('FROM c\n', {}, bases)).workingDir).toBe('/c/./')
  })
})

describe('build args', () => {
  it('may have names of Object', async () => {
    const p = await plan('ARG toString=1\nFROM scratch\nARG constructor\nARG toString\nRUN x\n')
    expect(runs(p)[0]!.env.slice(1)).toEqual(['toString=1'])
  })

  it('of proxies are left out if empty', async () => {
    const p = await plan('FROM scratch\nRUN x\n', { buildArgs: { HTTP_PROXY: '', https_proxy: 'h', HTTPS_PROXY: 'H' } })
    expect(runs(p)[0]!.hiddenEnv).toEqual(['HTTPS_PROXY=h', 'https_proxy=h'])
  })

  it('that are settings are taken', async () => {
    const buildArgs = { BUILDKIT_INLINE_CACHE: '1', BUILDKIT_MULTI_PLATFORM: '0', BUILDKIT_OWN: 'x' }
    const p = await plan('FROM scratch\n', { buildArgs })
    expect(p.warnings.map((w) => w.message)).toEqual(['One or more build-args [BUILDKIT_OWN] were not consumed'])
    expect(await refusal('FROM scratch\n', { buildArgs: { BUILDKIT_INLINE_CACHE: 'maybe' } })).toMatchObject({
      code: 'dockerfile-invalid',
    })
  })

  it('say whether one platform makes an index too', () => {
    const wanted = (value?: string, platforms = 1): boolean =>
      isIndexWanted({ buildArgs: value === undefined ? {} : { BUILDKIT_MULTI_PLATFORM: value } }, platforms)
    expect([wanted(), wanted(''), wanted('0'), wanted('1'), wanted('true')]).toEqual([false, false, false, true, true])
    expect([wanted(undefined, 2), wanted('', 2), wanted('1', 2)]).toEqual([true, true, true])
    expect(() => wanted('0', 2)).toThrow('returning multiple target platforms is not allowed')
    expect(() => wanted('maybe')).toThrow('neither true nor false')
  })

  it.each([
    ['docker/dockerfile:1', 0],
    ['docker.io/docker/dockerfile:1.7-labs', 0],
    ['localhost:5000/mirror/dockerfile-upstream:master@sha256:00', 0],
    ['example.com/other/frontend:1', 1],
  ])('and syntax lines may name the frontend %s', async (frontend, warnings) => {
    expect((await plan(`# syntax=${frontend}\nFROM scratch\n`)).warnings).toHaveLength(warnings)
    const p = await plan('FROM scratch\n', { buildArgs: { BUILDKIT_SYNTAX: frontend } })
    expect(p.warnings).toHaveLength(warnings)
  })
})

describe('config', () => {
  it('holds no empty lists', async () => {
    const bases = { b: baseImage('b', { Cmd: ['old'], Entrypoint: ['old'] }) }
    const p = await plan('FROM b\nENTRYPOINT []\nCMD []\nEXPOSE $nothing\n', {}, bases)
    expect(p.target.config.raw['config']).toEqual({ ArgsEscaped: true, Env: [expect.stringMatching(/^PATH=/)] })
    expect(history(p)).toEqual(['ENTRYPOINT []', 'CMD []', 'EXPOSE []'])
  })

  it('runs what is in a heredoc, whatever way its delimiter is quoted', async () => {
    const p = await plan('FROM scratch\nRUN <<"E"\'O\'F\n$x\nEOF\n')
    expect(runs(p)[0]!.args.at(-1)).toBe('$x\n')
  })

  it('gives tabs of a <<- heredoc to a shell that is handed it, and to no script', async () => {
    const p = await plan('FROM scratch\nRUN cat <<-A\n\tx\n\tA\nRUN <<-A\n\tx\n\tA\n')
    expect(runs(p).map((r) => r.args.at(-1))).toEqual(['cat <<-A\n\tx\nA', 'x\n'])
  })

  it('takes flags where BuildKit overlooks them, with a warning', async () => {
    const p = await plan('FROM scratch\nARG --x=1 a\nSTOPSIGNAL --y TERM\nHEALTHCHECK --interval=x NONE\n')
    expect(p.warnings.map((w) => [w.message, w.at?.startLine])).toEqual([
      ['ARG takes no flags: --x=1 has no effect', 2],
      ['STOPSIGNAL takes no flags: --y has no effect', 3],
      ['HEALTHCHECK NONE takes no flags: --interval=x has no effect', 4],
    ])
    expect(runtimeOf(p.target.config).healthcheck).toEqual({ Test: ['NONE'] })
    expect(kinds(p)).toEqual([])
  })
})
