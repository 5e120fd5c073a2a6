import { describe, expect, it } from 'vitest'
import type { Digest } from '../../src/core/digest.ts'
import type { Image } from '../../src/oci/image.ts'
import { baseImage, config, history, kinds, plan, runs } from './planned.ts'

describe('lower', () => {
  it('keeps only what the target needs', async () => {
    const text = 'FROM a AS one\nRUN one\nFROM b AS two\nRUN two\nFROM c\nCOPY --from=one /x /x\n'
    expect(runs(await plan(text)).map((r) => r.args.at(-1))).toEqual(['one'])
    expect(kinds(await plan(text, { target: 'TWO' }))).toEqual(['run'])
  })

  it('makes one step of equal instructions in different stages', async () => {
    const p = await plan(
      'FROM a AS one\nRUN x\nFROM a AS two\nRUN x\nFROM a\nCOPY --from=one /1 /\nCOPY --from=two /2 /\n',
    )
    expect(kinds(p)).toEqual(['run', 'copy', 'copy'])
    expect(p.lines.filter((l) => l.text === 'RUN x').map((l) => l.step)).toEqual([runs(p)[0]!.id, runs(p)[0]!.id])
  })

  it('expands ENV pairs with the values from before the instruction', async () => {
    const p = await plan('FROM scratch\nENV a=1\nENV a=2 b=$a\n')
    expect(config(p).env).toEqual([expect.stringMatching(/^PATH=/), 'a=2', 'b=1'])
  })

  it('lets the last of ARG and ENV win for RUN, and keeps ENV in the config', async () => {
    const p = await plan('FROM scratch\nENV v=env\nARG v=arg\nRUN x\n')
    expect(runs(p)[0]!.env).toContain('v=arg')
    expect(config(p).env).toContain('v=env')
  })

  it('sets variables of the options in every stage, right after FROM, as they are', async () => {
    const p = await plan('FROM a AS one\nRUN x\nFROM b\nENV B=$A\nCOPY --from=one /x /\n', { env: { A: '$HOME' } })
    expect(runs(p)[0]!.env).toContain('A=$HOME')
    expect(config(p).env).toEqual([expect.stringMatching(/^PATH=/), 'A=$HOME', 'B=$HOME'])
    expect(history(p)[0]).toBe('ENV A=$HOME')
  })

  it('leaves out variables and labels of the base and of the Dockerfile, in the target alone', async () => {
    const base = baseImage('b', { Env: ['PATH=/bin', 'A=1', 'AB=2'], Labels: { x: '1', y: '2' } })
    const options = { unsetEnv: ['A', 'C'], unsetLabels: ['x'], labels: { z: '3' } }
    const p = await plan('FROM b\nENV C=3\nRUN x\n', options, { b: base })
    expect(config(p).env).toEqual(['PATH=/bin', 'AB=2'])
    expect(config(p).labels).toEqual({ y: '2', z: '3' })
    expect(runs(p)[0]!.env).toEqual(['PATH=/bin', 'A=1', 'AB=2', 'C=3'])
  })

  it('gives an ARG the build arg, then its own default, then the global one', async () => {
    const text = 'ARG a=global\nARG b=global\nFROM scratch\nARG a\nARG b=own\nARG c\nRUN x\n'
    expect(runs(await plan(text))[0]!.env).toEqual([expect.stringMatching(/^PATH=/), 'a=global', 'b=own'])
    expect(runs(await plan(text, { buildArgs: { a: '1', b: '2', c: '3' } }))[0]!.env).toEqual([
      expect.stringMatching(/^PATH=/),
      'a=1',
      'b=2',
      'c=3',
    ])
  })

  it('writes the args in scope into the history of RUN, a proxy that an ARG names among them', async () => {
    const p = await plan('FROM scratch\nARG a=1\nARG HTTP_PROXY\nRUN x\n', {
      buildArgs: { HTTP_PROXY: 'http://secret' },
    })
    expect(history(p).at(-1)).toBe('RUN |2 a=1 HTTP_PROXY=http://secret /bin/sh -c x # buildkit')
  })

  it('gives proxy args to RUN in no key', async () => {
    const without = await plan('FROM scratch\nRUN x\n')
    const p = await plan('FROM scratch\nRUN x\n', { buildArgs: { https_proxy: 'http://p' } })
    expect(runs(p)[0]!.hiddenEnv).toEqual(['HTTPS_PROXY=http://p', 'https_proxy=http://p'])
    expect(runs(p)[0]!.id).toBe(runs(without)[0]!.id)
  })

  it('drops an inherited CMD when ENTRYPOINT is set, and keeps one of the same stage in either order', async () => {
    const bases = { b: baseImage('b', { Cmd: ['old'] }) }
    expect(config(await plan('FROM b\nENTRYPOINT ["e"]\n', {}, bases)).cmd).toBeUndefined()
    expect(config(await plan('FROM b\nCMD ["c"]\nENTRYPOINT ["e"]\n', {}, bases)).cmd).toEqual(['c'])
    expect(config(await plan('FROM b\nENTRYPOINT ["e"]\nCMD ["c"]\n', {}, bases)).cmd).toEqual(['c'])
  })

  it('runs ONBUILD triggers of the base first and clears them', async () => {
    const bases = { b: baseImage('b', { OnBuild: ['RUN trigger', 'ENV k=v'] }) }
    const p = await plan('FROM b\nRUN own\n', {}, bases)
    expect(runs(p).map((r) => r.args.at(-1))).toEqual(['trigger', 'own'])
    expect(config(p).onBuild).toEqual([])
    expect(config(p).env).toContain('k=v')
  })

  it('runs ONBUILD triggers of an earlier stage in the stage built on it', async () => {
    const p = await plan('FROM scratch AS parent\nONBUILD RUN child\nFROM parent\n')
    expect(runs(p).map((r) => r.args.at(-1))).toEqual(['child'])
    expect(config(p).onBuild).toEqual([])
  })

  it('joins relative WORKDIRs and makes no step for /', async () => {
    const p = await plan('FROM scratch\nWORKDIR /\nWORKDIR a\nWORKDIR ../b\n')
    expect(config(p).workingDir).toBe('/b')
    expect(kinds(p)).toEqual(['workdir', 'workdir'])
  })

  it.each([
    ['f', '/w/f'],
    ['d/', '/w/d/'],
    ['/abs', '/abs'],
    ['/abs/', '/abs/'],
    ['.', '/w/'],
    ['./', '/w/'],
    ['/', '/'],
    ['../x', '/x'],
  ])('takes the destination %s in WORKDIR /w to %s', async (written, absolute) => {
    const p = await plan(`FROM scratch\nWORKDIR /w\nCOPY a ${written}\n`)
    expect([...p.steps.values()].at(-1)).toMatchObject({ kind: 'copy', destination: absolute })
  })

  it('takes a lone heredoc as the script and one with #! as a file', async () => {
    const p = await plan('FROM scratch\nRUN <<EOF\necho 1\nEOF\nRUN <<X\n#!/bin/awk\nx\nX\n')
    expect(runs(p)[0]!.args).toEqual(['/bin/sh', '-c', 'echo 1\n'])
    expect(runs(p)[1]).toMatchObject({ args: ['/dev/pipes/X'], script: { name: 'X', content: '#!/bin/awk\nx\n' } })
  })

  it('hands other heredocs to the shell as they were written', async () => {
    const p = await plan('FROM scratch\nRUN cat <<A - <<B\n1\nA\n2\nB\n')
    expect(runs(p)[0]!.args.at(-1)).toBe('cat <<A - <<B\n1\nA\n2\nB')
  })

  it('names build args that nothing took', async () => {
    const p = await plan('FROM scratch\nARG used\n', { buildArgs: { used: '1', left: '2', no_proxy: 'x' } })
    expect(p.warnings.map((w) => w.message)).toEqual(['One or more build-args [left] were not consumed'])
  })

  it.each([
    ['RUN --security=insecure x', 'RUN --security=insecure', 'dockerfile-invalid'],
    ['RUN --device=vendor.com/x=y x', 'RUN --device', 'dockerfile-invalid'],
    ['ADD --checksum=sha256:00 http://h/f /', 'sha256:00', 'digest-invalid'],
    ['ADD --checksum=sha256:00 f /', 'checksum requires HTTP(S) or Git sources', 'dockerfile-invalid'],
    ['COPY --chmod=8 a b', "invalid chmod parameter: '8'", 'dockerfile-syntax'],
  ])('refuses %s by name, with its line', async (line, name, code) => {
    await expect(plan(`FROM scratch\n${line}\n`)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(name) as string,
      at: { startLine: 2 },
    })
  })

  it('makes COPY --link a step on scratch that is put on the stage', async () => {
    const p = await plan('FROM a\nRUN x\nCOPY --link --chown=1:2 f /\n')
    const linked = [...p.steps.values()].find((step) => step.kind === 'copy')!
    expect(linked.input).toEqual({ kind: 'base', diffIds: [] })
    expect(p.target.tree).toEqual({ kind: 'stacked', below: { kind: 'step', id: runs(p)[0]!.id }, id: linked.id })
  })

  it.each(['--chmod=755', '--chown=name'])('does not put COPY --link %s on its own', async (flag) => {
    const p = await plan(`FROM a\nCOPY --link ${flag} f /\n`)
    expect([...p.steps.values()][0]!.input).not.toEqual({ kind: 'base', diffIds: [] })
  })

  it.each([
    ['http://h/a/b%20c', 'b c'],
    ['http://h/a/..%2F..%2Fetc', 'etc'],
    ['http://h/', '__unnamed__'],
    ['http://h/%2E%2E', '__unnamed__'],
  ])('names the file of %s %s', async (url, filename) => {
    const p = await plan(`FROM scratch\nADD ${url} /\n`)
    expect([...p.steps.values()].at(-1)).toMatchObject({ sources: [{ kind: 'url', filename }] })
  })

  it('refuses what is no URL, with its line', async () => {
    await expect(plan('FROM scratch\nADD http://h/%zz /\n')).rejects.toMatchObject({
      code: 'dockerfile-invalid',
      at: { startLine: 2 },
    })
  })

  it('refuses to copy from a later stage', async () => {
    await expect(
      plan('FROM scratch AS a\nCOPY --from=b /x /\nFROM scratch AS b\n', { target: 'a' }),
    ).rejects.toMatchObject({
      code: 'dockerfile-invalid',
      at: { startLine: 2 },
    })
  })

  it('resolves FROM with args from before it, and refuses a blank name', async () => {
    const asked: string[] = []
    const resolveBase = (name: string): Promise<Image> => (asked.push(name), Promise.resolve(baseImage(name)))
    await plan('ARG V=1\nFROM img:${V}\n', { buildArgs: { V: '2' }, resolveBase })
    expect(asked).toEqual(['img:2'])
    await expect(plan('FROM $nothing\n')).rejects.toMatchObject({ message: 'base name ($nothing) should not be blank' })
  })

  it('has ids that depend on nothing but the definition', async () => {
    const id = async (text: string): Promise<Digest> => [...(await plan(text)).steps.keys()].at(-1)!
    expect(await id('FROM a\nRUN x\n')).toBe(await id('# comment\n\nFROM a\nRUN   x\n'))
    expect(await id('FROM a\nRUN x\n')).not.toBe(await id('FROM b\nRUN x\n'))
    expect(await id('FROM a\nENV k=1\nRUN x\n')).not.toBe(await id('FROM a\nENV k=2\nRUN x\n'))
  })

  describe('with --no-cache-filter', () => {
    const text = 'FROM a AS one\nRUN 1\nFROM a AS two\nRUN 2\nFROM two\nRUN 3\nCOPY --from=one /x /x\n'
    const fresh = async (...noCacheStages: string[]): Promise<(string | undefined)[]> =>
      [...(await plan(text, { noCacheStages })).steps.values()]
        .filter((s) => s.fresh)
        .map((s) => s.text)
        .sort()

    it('runs the steps of the named stages only, by name in any case or by number', async () => {
      expect(await fresh('ONE')).toEqual(['RUN 1'])
      expect(await fresh('one', '2')).toEqual(['COPY --from=one /x /x', 'RUN 1', 'RUN 3'])
      expect(await fresh()).toEqual([])
    })

    it('runs a step that stages share if one of them is named', async () => {
      const shared = 'FROM a AS one\nRUN x\nFROM a AS two\nRUN x\nFROM a\nCOPY --from=one /1 /\nCOPY --from=two /2 /\n'
      const p = await plan(shared, { noCacheStages: ['two'] })
      expect(runs(p).map((r) => r.fresh)).toEqual([true])
    })

    it('warns of a stage that is not there', async () => {
      const p = await plan(text, { noCacheStages: ['three'] })
      expect(p.warnings.map((w) => w.message)).toEqual([
        '--no-cache-filter names a stage that the Dockerfile does not have: three',
      ])
    })
  })
})
