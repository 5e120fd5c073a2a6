/** `wherry report` on builds without RUN, and the commands of docs/report.md. */
import { readFileSync } from 'node:fs'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Home, newHome } from '../support/wherry.ts'

const dockerfile = `FROM scratch AS one
COPY a /a

FROM scratch AS two
COPY b /b

FROM one
COPY --from=two /b /copied
COPY other /a
LABEL x=y
`

interface Shown {
  readonly image?: {
    readonly layers: readonly { readonly createdBy: string; readonly files: object[] }[]
    readonly wasted: number
  }
  readonly build?: {
    readonly id: string
    readonly outcome: string
    readonly stages: readonly object[]
    readonly steps: readonly { readonly outcome: string; readonly text: string; readonly needs: readonly string[] }[]
  }
}

describe('wherry report', () => {
  let home: Home
  let context: string
  beforeAll(async () => {
    home = await newHome()
    context = join(home.dir, 'context')
    await mkdir(context)
    await writeFile(join(context, 'a'), 'a'.repeat(1000))
    await writeFile(join(context, 'b'), 'b')
    await writeFile(join(context, 'other'), 'another')
    await writeFile(join(context, 'Dockerfile'), dockerfile)
    await home.ok('build', '-q', '-t', 'me/app', context)
  })
  afterAll(() => home.remove())
  const json = async (...args: string[]): Promise<Shown> =>
    JSON.parse(await home.ok('report', '--json', ...args)) as Shown

  it('tells what layers do and what they waste', async () => {
    const { image } = await json('me/app')
    expect(image?.layers.map(({ files }) => files)).toMatchObject([
      [{ path: 'a', mark: 'A', size: 1000 }],
      [{ path: 'copied', mark: 'A' }],
      [{ path: 'a', mark: 'C', size: 7 }],
    ])
    expect(image?.wasted).toBe(1000)
    expect(image?.layers[0]?.createdBy).toMatch(/^COPY a \/a/)
  })

  it('tells what each step needed, and which stage uses which', async () => {
    const { build } = await json('--last')
    expect(build?.stages).toMatchObject([
      { name: 'one', base: 'scratch', uses: [], isTarget: false, ran: 1 },
      { name: 'two', base: 'scratch', uses: [], isTarget: false, ran: 1 },
      { name: '2', base: 'one', uses: ['one', 'two'], isTarget: true, ran: 2 },
    ])
    const made = build?.steps.filter(({ outcome }) => outcome === 'done')
    expect(made?.map(({ text, needs }) => [text, needs])).toEqual([
      ['COPY a /a', []],
      ['COPY b /b', []],
      ['COPY --from=two /b /copied', ['s0.1', 's1.1']],
      ['COPY other /a', ['s2.1']],
    ])
  })

  it('finds the build in which the steps of an image ran, not one that found it cached', async () => {
    const first = (await json('me/app')).build?.id
    await home.ok('build', '-q', '-t', 'me/app', context)
    expect((await json('--last')).build?.id).not.toBe(first)
    expect((await json('me/app')).build?.id).toBe(first)
    expect((await json(first!)).build?.id).toBe(first)
    expect((await json('--last')).build?.steps.map(({ outcome }) => outcome)).not.toContain('done')
  })

  it('reports a build that failed', async () => {
    await writeFile(join(home.dir, 'Dockerfile'), `${dockerfile}COPY missing /\n`)
    const failed = await home.run([
      'build',
      '-q',
      '--report',
      'failed.txt',
      '-f',
      join(home.dir, 'Dockerfile'),
      context,
    ])
    expect(failed.code).toBe(1)
    expect(await readFile(join(home.dir, 'failed.txt'), 'utf8')).toMatch(/build of .*: failed in/)
    expect((await json('--last')).build?.outcome).toBe('failed')
    expect(await home.ok('report', '--builds')).toMatch(/^BUILD +STARTED.*\n.*failed/)
  })

  it('tells of each image of an index', async () => {
    await home.ok('build', '-q', '-t', 'me/two', '--platform', 'linux/amd64,linux/arm64', context)
    const of = async (platform: string): Promise<unknown> => (await json('me/two', '--platform', platform)).image
    expect(await of('linux/arm64')).toMatchObject({ platform: 'linux/arm64', wasted: 1000 })
    expect(await of('linux/amd64')).toMatchObject({ platform: 'linux/amd64' })
    expect((await json('--last')).build?.stages).toContainEqual(
      expect.objectContaining({ name: 'linux/arm64 2', uses: ['linux/arm64 one', 'linux/arm64 two'], isTarget: true }),
    )
  })

  it('keeps the last 30 builds', async () => {
    const folder = join(home.store, 'builds-v1')
    for (let i = 0; i < 40; i++) {
      await writeFile(join(folder, `20200101-0000${String(i).padStart(2, '0')}-abcdef.json.gz`), 'torn')
    }
    await home.ok('build', '-q', context)
    expect((await readdir(folder)).length).toBe(30)
    expect((await home.ok('report', '--builds')).split('\n').length).toBeGreaterThan(3)
  })

  it('refuses what it cannot know', async () => {
    for (const [args, code, words] of [
      [['report'], 2, 'what shall be reported'],
      [['report', '--last', 'me/app'], 2, '--last names a build'],
      [['report', '--svg', '--json', 'me/app'], 2, 'choose one of --svg and --json'],
      [['build', '--check', '--report', 'x.html', '.'], 2, '--report is of a build'],
      [['report', 'nobody/nothing'], 1, 'nobody/nothing'],
      [['report', '20200101-000000-abcdef'], 2, 'no record of build'],
    ] as const) {
      const ran = await home.run(args)
      expect([ran.code, ran.stderr]).toEqual([code, expect.stringContaining(words)])
    }
  })

  it('does what docs/report.md says', async () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/report.md'), 'utf8')
    const lines = [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, body = '']) => body.trim().split('\n'))
    expect(lines.length).toBeGreaterThan(5)
    for (const line of lines) {
      const ran = await home.run(line.split(' ').slice(2), { cwd: context })
      expect(ran.code, `${line}\n${ran.stdout}${ran.stderr}`).toBe(0)
    }
    const read = (name: string): Promise<string> => readFile(join(context, name), 'utf8')
    expect(await read('report.html')).toMatch(/^<!doctype html>[^]*<\/html>\n$/)
    expect(await read('last.html')).toContain('id="time-title"')
    expect(await read('build.svg')).toMatch(/^<svg [^]*<\/svg>\n$/)
    expect(JSON.parse(await read('report.json'))).toMatchObject({ version: 1, image: { names: ['me/app:latest'] } })
  })
})
