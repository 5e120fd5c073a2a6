/** `--explain`: the right reason for each of ten edits, and for what is not an edit. */
import { chmod, mkdir, mkdtemp, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Builder, newBuilder, noStaticBusybox } from '../support/busybox-image.ts'
import { lacks, noUserNamespace } from '../support/need.ts'

const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())

interface Explained {
  readonly id?: string
  readonly digest?: string
  readonly outcome?: 'cached' | 'built'
  readonly reasons: readonly { readonly kind: string; readonly text: string }[]
}

/** What a build said, by instruction. */
interface Said {
  /** `cached unchanged`. */
  readonly kinds: Record<string, string>
  readonly texts: readonly string[]
  readonly layers: Record<string, string>
}

const lines = [
  'FROM box',
  'ARG USED=1',
  'RUN echo base > /base',
  'COPY a.txt dir /src/',
  'RUN echo $USED > /used',
  'RUN echo last > /last',
]

describe.skipIf(isMissing)('--explain', () => {
  let builder: Builder
  let context: string
  beforeAll(async () => {
    builder = await newBuilder()
  })
  afterAll(() => builder.home.remove())
  beforeEach(async () => {
    context = await mkdtemp(join(builder.home.dir, 'explain-'))
    await writeFile(join(context, '.dockerignore'), 'ignored\n')
    for (const [name, text] of [
      ['a.txt', 'a'],
      ['dir/b.txt', 'b'],
      ['dir/c.txt', context],
    ] as const) {
      await writeFileIn(join(context, name), text)
    }
    await dockerfile(lines)
    await build()
  })

  const dockerfile = (text: readonly string[]): Promise<void> =>
    writeFile(join(context, 'Dockerfile'), `${text.join('\n')}\n`)

  /** Builds and gives what is said, by instruction: `cached unchanged`, and the sentences. */
  const build = async (...args: string[]): Promise<Said> => {
    const out = await builder.home.ok('build', '--progress=json', '--explain', ...args, context)
    const events = out.split('\n').map((line) => JSON.parse(line) as { type: string } & Explained)
    const plan = (events.find((e) => e.type === 'plan') as unknown as { steps: { id: string; text: string }[] }).steps
    const explained = events.filter((e) => e.type === 'explain')
    const kinds = explained.map(({ id, outcome, reasons }) => {
      const text = plan.find((step) => step.id === id)?.text ?? 'build'
      return [text, [outcome ?? 'args', ...reasons.map((reason) => reason.kind)].join(' ')] as const
    })
    const ended = events.filter((e) => e.type === 'step-finished')
    const layers = ended.map((e) => [plan.find((step) => step.id === e.id)!.text, e.digest ?? ''] as const)
    return {
      layers: Object.fromEntries(layers),
      kinds: Object.fromEntries(kinds),
      texts: explained.flatMap((e) => e.reasons.map((r) => r.text)),
    }
  }
  const [, , base, copy, used, last] = lines as [string, string, string, string, string, string]
  const unchanged = 'cached unchanged'
  const rebuilt = 'built step-rebuilt'

  it('says of a build without an edit that nothing changed', async () => {
    expect((await build()).kinds).toEqual({
      [base]: unchanged,
      [copy]: unchanged,
      [used]: unchanged,
      [last]: unchanged,
    })
  })

  it('a touched file: cached, and says so', async () => {
    await utimes(join(context, 'dir/b.txt'), 1, 1)
    const { kinds, texts } = await build()
    expect(kinds[copy]).toBe('cached unchanged file-touched')
    expect(kinds[last]).toBe(unchanged)
    expect(texts).toContain('dir/b.txt was touched: its time does not count')
    expect((await build()).kinds[copy]).toBe(unchanged)
  })

  it('a changed byte: which file, and what follows from it', async () => {
    await writeFile(join(context, 'dir/c.txt'), `${context}!`)
    const { kinds, texts } = await build()
    expect(kinds).toMatchObject({ [base]: unchanged, [copy]: 'built file-changed', [used]: rebuilt, [last]: rebuilt })
    expect(texts).toContain('the content of dir/c.txt changed')
    expect(texts).toContain(`an earlier step changed: [4/6] ${copy}`)
  })

  it('a renamed file: both names', async () => {
    await rename(join(context, 'dir/c.txt'), join(context, 'dir/d.txt'))
    const { kinds, texts } = await build()
    expect(kinds[copy]).toBe('built file-renamed')
    expect(texts).toContain('dir/c.txt was renamed to dir/d.txt')
  })

  it('a new build arg: who sees it first', async () => {
    await dockerfile(lines.toSpliced(4, 0, 'ARG NEW'))
    await build()
    const { kinds, texts } = await build('--build-arg', 'NEW=x')
    expect(kinds).toMatchObject({
      [copy]: unchanged,
      [used]: 'built variable-new',
      [last]: 'built variable-new step-rebuilt',
    })
    expect(kinds['build']).toBe('args arg-used')
    expect(texts).toContain(`build arg NEW is new; the first to see it is ${used} (line 6)`)
    expect(texts).toContain('the build arg NEW is new')
  })

  it('another value of a used arg: the first step that sees it, and no values', async () => {
    await build('--build-arg', 'USED=wordone')
    const { kinds, texts } = await build('--build-arg', 'USED=wordtwo')
    expect(kinds).toMatchObject({
      [base]: 'built variable-changed',
      [copy]: rebuilt,
      [used]: 'built variable-changed step-rebuilt',
    })
    expect(texts).toContain(`build arg USED has another value; the first to see it is ${base} (line 3)`)
    expect(texts.join()).not.toMatch(/word(one|two)/)
    expect(notesText()).not.toMatch(/word(one|two)/)
  })

  it('an arg that nothing uses: told as such, everything cached', async () => {
    const { kinds, texts } = await build('--build-arg', 'NOBODY=1')
    expect(kinds).toMatchObject({ build: 'args arg-unused', [base]: unchanged, [last]: unchanged })
    expect(texts).toContain('build arg NOBODY: no step uses it (it is new)')
  })

  it('a base that moved: both digests', async () => {
    const other = join(context, 'other')
    await writeFileIn(join(other, 'Dockerfile'), 'FROM box\nRUN echo moved > /moved\n')
    await writeFileIn(join(other, 'first/Dockerfile'), 'FROM box\n')
    await builder.home.ok('build', '-q', '-t', 'moving', join(other, 'first'))
    await dockerfile(['FROM moving', ...lines.slice(1)])
    await build()
    await builder.home.ok('build', '-q', '-t', 'moving', other)
    const { kinds, texts } = await build()
    expect(kinds[base]).toBe('built base-moved')
    expect(kinds[last]).toBe(rebuilt)
    expect(texts.join('\n')).toMatch(/the base image moving moved from sha256:[0-9a-f]{64} to sha256:[0-9a-f]{64}/)
  })

  it('another mode: from what to what', async () => {
    await chmod(join(context, 'a.txt'), 0o755)
    const { kinds, texts } = await build()
    expect(kinds[copy]).toBe('built file-mode')
    expect(texts).toContain('the mode of a.txt changed from 644 to 755')
  })

  it('another ignore file: named, with the files that come or go', async () => {
    await writeFile(join(context, '.dockerignore'), 'ignored\ndir/b.txt\n')
    const { kinds, texts } = await build()
    expect(kinds[copy]).toBe('built ignore-changed file-removed')
    expect(texts).toContain('the ignore file .dockerignore changed')
    expect(texts).toContain('dir/b.txt was removed')
  })

  it('another order of instructions: what stands before what', async () => {
    await dockerfile([lines[0]!, lines[1]!, copy, base, used, last])
    const { kinds, texts } = await build()
    expect(kinds[copy]).toBe('built order-changed')
    expect(kinds[base]).toBe('built order-changed')
    expect(texts.join('\n')).toContain('the order of the instructions changed: ')
  })

  it('another instruction, a new one, one that is gone', async () => {
    await dockerfile(lines.map((line) => (line === used ? 'RUN echo other > /used' : line)))
    const edited = await build()
    expect(edited.kinds).toMatchObject({ [copy]: unchanged, 'RUN echo other > /used': 'built instruction-changed' })
    expect(edited.texts).toContain(`the instruction changed; it was: ${used}`)
    await dockerfile([...lines.slice(0, 5), `RUN echo ${context}`, last])
    const added = await build()
    expect(added.kinds).toMatchObject({ [last]: 'built instruction-new' })
    await dockerfile([...lines.slice(0, 2), copy, used, last])
    expect((await build()).kinds[copy]).toBe('built instruction-removed')
  })

  it('tells a first build, --no-cache, a pruned store, a damaged layer, and the same bytes made again', async () => {
    expect((await build('--no-cache')).kinds).toMatchObject({ [copy]: 'built no-cache', [last]: 'built no-cache' })
    await truncate(join(builder.home.store, 'oci-v1/blobs/sha256', (await build()).layers[last]!.slice(7)), 1)
    expect((await build()).kinds).toMatchObject({ [used]: unchanged, [last]: 'built layer-gone' })
    const from = ['FROM box AS one', `RUN echo ${context} > /o`, 'FROM scratch', 'COPY --from=one /o /o']
    await dockerfile(from)
    expect((await build('--target', 'one')).kinds).toEqual({ [from[1]!]: 'built first-build' })
    await build()
    const again = await build('--no-cache-filter', 'one')
    expect(again.kinds).toEqual({ [from[1]!]: 'built no-cache', [from[3]!]: 'cached same-content' })
    await rm(join(builder.home.store, 'steps-v1'), { recursive: true })
    expect((await build()).kinds).toMatchObject({ [from[3]!]: 'built record-gone' })
  })

  it('speaks in every mode of progress, and only when asked', async () => {
    await writeFile(join(context, 'a.txt'), context)
    const why = 'the content of a.txt changed'
    for (const mode of ['plain', 'classic', 'quiet', 'tty']) {
      await writeFile(join(context, 'a.txt'), `${context} ${mode}`)
      const ran = await builder.home.run(['build', `--progress=${mode}`, '--explain', context])
      expect(ran.stdout + ran.stderr, mode).toContain(`  built  [4/6] ${copy}\n          ${why}\n`)
    }
    const ran = await builder.home.run(['build', '--progress=plain', context])
    expect(ran.stdout + ran.stderr).not.toContain('WHY')
  })

  const notesText = (): string => {
    const dir = join(builder.home.store, 'explain-v1')
    const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.gz'))
    expect(files.length).toBeGreaterThan(1)
    return files.map((name) => gunzipSync(readFileSync(join(dir, name))).toString('latin1')).join('\n')
  }
})

async function writeFileIn(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text, { mode: 0o644 })
}
