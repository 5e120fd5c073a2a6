/** Time grows with the length of the text and not with its square: one second per 100 KB, measured as time of the processor. */
import { afterAll, describe, expect, it, vi } from 'vitest'
import { goMatch } from '../../src/dockerfile/go-match.ts'
import { readIgnoreFile } from '../../src/dockerfile/ignore-file.ts'
import { compileIgnore } from '../../src/dockerfile/ignore.ts'
import { hardDockerfiles, hardIgnores } from '../dockerfile/hard-inputs.ts'
import { planOf } from './random-plan.ts'
import { spentMs } from './spent.ts'

const size = 20_000
// By the clock it may take long where others use the machine.
vi.setConfig({ testTimeout: 60_000 })
afterAll(() => vi.resetConfig())

describe('a Dockerfile is planned or refused in time with', () => {
  it.each(Object.entries(hardDockerfiles))('%s', async (_name, make) => {
    const text = make(size)
    const spent = await spentMs(() => planOf({ text, triggers: [], buildArgs: {}, target: undefined }))
    expect(spent).toBeLessThan(1000 * Math.max(1, text.length / 100_000))
  })
})

describe('a path is held to an ignore file in time with', () => {
  it.each(Object.entries(hardIgnores))('%s', async (_name, make) => {
    const [patterns, path] = make(size)
    const spent = await spentMs(() => {
      compileIgnore(readIgnoreFile(patterns)).ignores(path)
      goMatch(patterns.split('\n')[0]!, path)
    })
    expect(spent).toBeLessThan(1000)
  })
})
