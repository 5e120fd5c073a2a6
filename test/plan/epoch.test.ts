/** SOURCE_DATE_EPOCH in a plan: where it comes from, and what it is in. */
import { describe, expect, it } from 'vitest'
import type { EpochSource, NamedContext } from '../../src/plan/contract.ts'
import { kinds, plan, runs } from './planned.ts'

const add = 'FROM scratch AS src\nARG V=1\nADD --checksum=sha256:x http://h/$V.tar /\n'

describe('SOURCE_DATE_EPOCH', () => {
  it.each([
    ['the build arg', '', { SOURCE_DATE_EPOCH: '12' }, 12],
    ['the ARG before FROM', 'ARG SOURCE_DATE_EPOCH=13\n', {}, 13],
    ['the build arg over the ARG', 'ARG SOURCE_DATE_EPOCH=13\n', { SOURCE_DATE_EPOCH: '12' }, 12],
    ['nothing: it is empty', 'ARG SOURCE_DATE_EPOCH=13\n', { SOURCE_DATE_EPOCH: '' }, undefined],
    ['nothing: a stage alone has it', '', {}, undefined],
  ])('is %s', async (_name, head, buildArgs, epoch) => {
    expect((await plan(`${head}FROM scratch\nARG SOURCE_DATE_EPOCH=1\n`, { buildArgs })).epoch).toBe(epoch)
  })

  it('is in no key but that of a folder that WORKDIR makes', async () => {
    const text = 'FROM a\nRUN x\nCOPY f /\nWORKDIR /w\n'
    const [one, two] = await Promise.all(
      ['1', '2'].map((SOURCE_DATE_EPOCH) => plan(text, { buildArgs: { SOURCE_DATE_EPOCH } })),
    )
    expect(kinds(one!)).toEqual(['run', 'copy', 'workdir'])
    const same = [...one!.steps.keys()].filter((id) => two!.steps.has(id))
    expect(same.map((id) => one!.steps.get(id)?.kind)).toEqual(['run', 'copy'])
  })

  it('names the one source of a stage, which is not built', async () => {
    const asked: EpochSource[] = []
    const resolveEpoch = (source: EpochSource): Promise<number> => Promise.resolve(asked.push(source) * 100)
    const text = `ARG SOURCE_DATE_EPOCH=src\n${add}FROM a\nARG SOURCE_DATE_EPOCH\nRUN x\n`
    const made = await plan(text, { resolveEpoch, buildArgs: { V: '2' } })
    expect(asked).toEqual([{ kind: 'url', url: 'http://h/2.tar', checksum: 'sha256:x' }])
    expect(made.epoch).toBe(100)
    expect(kinds(made)).toEqual(['run'])
    expect(runs(made)[0]!.env).toContain('SOURCE_DATE_EPOCH=100')
  })

  it('of a context without a time is unset', async () => {
    const options = { buildArgs: { SOURCE_DATE_EPOCH: 'context' }, resolveEpoch: () => Promise.resolve(undefined) }
    const made = await plan('FROM a\nARG SOURCE_DATE_EPOCH\nRUN x\n', options)
    expect(made.epoch).toBeUndefined()
    expect(runs(made)[0]!.env).toContain('SOURCE_DATE_EPOCH=')
  })

  it('names a context before a stage of that name', async () => {
    const asked: EpochSource[] = []
    const resolveEpoch = (source: EpochSource): Promise<number> => Promise.resolve(asked.push(source))
    const namedContext = (name: string): Promise<NamedContext | undefined> =>
      Promise.resolve(name === 'src' ? { kind: 'files', name } : undefined)
    await plan(`ARG SOURCE_DATE_EPOCH=src\n${add}FROM a\n`, { resolveEpoch, namedContext })
    expect(asked).toEqual([{ kind: 'context', name: 'src' }])
  })

  it.each([
    ['', 'invalid SOURCE_DATE_EPOCH: src'],
    ['FROM a AS src\n', 'stage must use FROM scratch'],
    ['FROM scratch AS src\nCOPY f /\n', 'does not meet source-only requirements: unsupported copy instruction'],
    ['FROM scratch AS src\n', 'must contain exactly one remote ADD'],
    ['FROM scratch AS src\nADD f /\n', 'must be a single HTTP(S) or Git ADD'],
    ['FROM scratch AS src\nADD http://h/a http://h/b /\n', 'exactly one remote ADD source'],
    [`${add}ADD http://h/b /\n`, 'exactly one remote ADD'],
  ])('of the stage %j is an error', async (stage, message) => {
    await expect(plan(`ARG SOURCE_DATE_EPOCH=src\n${stage}FROM a\n`)).rejects.toThrow(message)
  })
})
