/** What a user sees of layers: history, the cache, images that lost their name, disk use, prune. Needs no network. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacks, noUserNamespace } from '../support/need.ts'
import { type Home, fixtures, newHome } from '../support/wherry.ts'

interface HistoryLine {
  readonly CreatedBy: string
}

describe.skipIf(lacks('userns', noUserNamespace()))('the layer exercise', () => {
  let home: Home
  let context = ''
  beforeAll(async () => {
    home = await newHome()
    context = join(home.dir, 'layers')
    await cp(join(fixtures, 'layers'), context, { recursive: true })
    await home.ok('base', 'host', '-t', 'test/base')
  })
  afterAll(() => home.remove())

  /** Builds and gives how each RUN came out, in order. */
  async function build(): Promise<{ readonly id: string; readonly cached: readonly boolean[] }> {
    const iidfile = join(home.dir, 'id')
    const ran = await home.run(
      ['build', '--progress=json', '--build-arg', 'BASE=test/base', '--iidfile', iidfile, '-t', 'exercise', context],
      {},
    )
    expect(ran.code, ran.stderr).toBe(0)
    const events = `${ran.stdout}\n${ran.stderr}`
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map(
        (line) =>
          JSON.parse(line) as { type: string; id?: string; outcome?: string; steps?: { id: string; text: string }[] },
      )
    const runs = events.flatMap((e) => e.steps ?? []).filter((step) => step.text.startsWith('RUN'))
    const outcomes = new Map(events.filter((e) => e.type === 'step-finished').map((e) => [e.id, e.outcome]))
    return { id: (await readFile(iidfile, 'utf8')).trim(), cached: runs.map((r) => outcomes.get(r.id) === 'cached') }
  }

  test('goes as docker users know it', async () => {
    const first = await build()
    expect(first.cached).toEqual([false, false, false, false])

    const history = await home.ok('history', '--no-trunc', '--format', '{{.CreatedBy}}', 'exercise')
    const lines = history.split('\n')
    expect(lines[0]).toContain('CMD ["cat"')
    expect(lines.slice(1, 5).map((line) => /> \/(\w+)/.exec(line)?.[1])).toEqual(['all', 'three', 'two', 'one'])

    const again = await build()
    expect(again.cached).toEqual([true, true, true, true])
    expect(again.id).toBe(first.id)

    const dockerfile = join(context, 'Dockerfile')
    const text = await readFile(dockerfile, 'utf8')
    await writeFile(dockerfile, text.replace('echo three > /three', 'echo drei > /three'))
    const edited = await build()
    expect(edited.cached).toEqual([true, true, false, false])
    expect(edited.id).not.toBe(first.id)
    expect(await home.ok('run', '--rm', 'exercise')).toBe('one\ntwo\ndrei')

    const listed = await home.ok('images')
    expect(listed).toMatch(/^<none>\s+<none>\s+[0-9a-f]{12}/m)
    const short = first.id.slice('sha256:'.length, 'sha256:'.length + 12)
    expect(listed).toContain(short)
    const [inspected] = JSON.parse(await home.ok('inspect', short)) as [{ Id: string }]
    expect(inspected.Id).toBe(first.id)

    expect(await home.ok('system', 'df')).toMatch(/images/i)
    await home.ok('prune', '--force')
    expect(await home.ok('images')).not.toContain('<none>')
    expect(await home.ok('run', '--rm', 'exercise')).toBe('one\ntwo\ndrei')
    expect((await build()).cached).toEqual([true, true, true, true])
  })

  test('history as JSON has one line per instruction', async () => {
    const lines = (await home.ok('history', '--format', 'json', 'exercise')).split('\n')
    const entries = lines.map((line) => JSON.parse(line) as HistoryLine)
    expect(entries.filter((entry) => entry.CreatedBy.includes('echo'))).toHaveLength(3)
  })
})
