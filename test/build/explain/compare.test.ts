/** The comparison of two builds, case by case. */
import { describe, expect, it } from 'vitest'
import { alignSteps } from '../../../src/build/explain/align.ts'
import { argReasons } from '../../../src/build/explain/args.ts'
import { changesOf } from '../../../src/build/explain/compare.ts'
import { compareLists, formatList, touchedFiles } from '../../../src/build/explain/files.ts'
import { type BuildNote, type StepNote, formatNote, parseNote } from '../../../src/build/explain/note.ts'
import { reasonsFor } from '../../../src/build/explain/reasons.ts'
import { keyVersion } from '../../../src/build/keys.ts'
import { digestOf } from '../../../src/core/digest.ts'
import type { Entry } from '../../../src/oci/contents.ts'

/** A step; its key follows from `key`, else from its words. */
const step = (text: string, more: Partial<StepNote> = {}): StepNote => ({
  label: `[${text}]`,
  text,
  kind: 'run',
  key: digestOf(JSON.stringify([text, more])),
  fields: {},
  env: {},
  inputs: [],
  made: true,
  ...more,
})
const note = (steps: readonly StepNote[], more: Partial<BuildNote> = {}): BuildNote => ({
  rules: keyVersion,
  steps,
  bases: [],
  args: {},
  ignore: {},
  ...more,
})
const on = (place: number): StepNote['inputs'] => [{ role: 'input', step: place }]

/** What is said of a step of the second build. */
const changes = (before: BuildNote, after: BuildNote, place: number): string[] =>
  changesOf({ before, after, pairs: alignSteps(before.steps, after.steps), files: () => undefined }, place).map(
    ({ kind, text }) => `${kind}: ${text}`,
  )

describe('a changed step', () => {
  const base = digestOf('base')
  it.each([
    ['its words', step('RUN a'), step('RUN b'), 'instruction-changed: the instruction changed; it was: RUN a'],
    [
      'its folder',
      step('x', { fields: { cwd: '1' } }),
      step('x', { fields: { cwd: '2' } }),
      'setting-changed: its working directory (WORKDIR) changed',
    ],
    [
      'a field that is not known by name',
      step('x', { fields: { odd: '1' } }),
      step('x', { fields: {} }),
      'setting-changed: odd changed',
    ],
    ['a new variable', step('x'), step('x', { env: { V: '1' } }), 'variable-new: the variable V is new'],
    ['a variable that is gone', step('x', { env: { V: '1' } }), step('x'), 'variable-gone: the variable V is gone'],
    [
      'a value',
      step('x', { env: { V: '1' } }),
      step('x', { env: { V: '2' } }),
      'variable-changed: the variable V has another value',
    ],
    [
      'files without a list',
      step('x', { selection: base }),
      step('x', { selection: digestOf('o') }),
      'files-changed: the files that it copies changed; there is no list to name them',
    ],
    [
      'nothing that is known',
      step('x', { key: base }),
      step('x', { key: digestOf('o') }),
      'unknown: something else that is part of its key changed',
    ],
  ])('is told by %s', (_what, before, after, told) => {
    expect(changes(note([before]), note([after]), 0)).toEqual([told])
  })

  it('is named after its arg', () => {
    const before = note([step('x', { env: { V: '1' } })], { args: { V: '1' } })
    expect(changes(before, note([step('x', { env: { V: '2' } })]), 0)).toEqual([
      'variable-changed: the build arg V has another value',
    ])
  })

  it('is told by the base that moved, or is another one', () => {
    const at = (name: string, version: string): BuildNote =>
      note([step('x', { inputs: [{ role: 'input', base: digestOf(version) }] })], {
        bases: [{ name, digest: digestOf(`m${version}`), stack: digestOf(version) }],
      })
    expect(changes(at('b', '1'), at('b', '2'), 0)).toEqual([
      `base-moved: the base image b moved from ${digestOf('m1')} to ${digestOf('m2')}`,
    ])
    expect(changes(at('b', '1'), at('c', '2'), 0)).toEqual([
      `base-changed: the base image is another one: c (${digestOf('m2')}); it was b (${digestOf('m1')})`,
    ])
  })

  it('is told by the step where the change began', () => {
    const chain = (first: string): BuildNote =>
      note([
        step('a', { env: { V: first } }),
        step('b', { inputs: on(0), key: digestOf(`b${first}`) }),
        step('c', { inputs: on(1), key: digestOf(`c${first}`) }),
      ])
    expect(changes(chain('1'), chain('2'), 2)).toEqual(['step-rebuilt: an earlier step changed: [a] a'])
  })

  it('is told by what it copies from or mounts', () => {
    const using = (role: string, first: string): BuildNote =>
      note([step('a', { env: { V: first } }), step('b', { inputs: [{ role, step: 0 }], key: digestOf(`b${first}`) })])
    const told = (role: string): string[] => changes(using(role, '1'), using(role, '2'), 1)
    expect(told('from')).toEqual(['step-rebuilt: a step of the stage that it copies from changed: [a] a'])
    expect(told('mount /src')).toEqual(['step-rebuilt: what is mounted at /src changed: [a] a'])
  })

  it('is told by the ignore file, and by the files of its selection', () => {
    const selecting = (rules: string | undefined, files: string): BuildNote =>
      note([step('COPY . .', { selection: digestOf(files) })], {
        ignore: rules === undefined ? {} : { ignore: digestOf(rules) },
      })
    const files = 'files-changed: the files that it copies changed; there is no list to name them'
    for (const [before, after, how] of [
      [undefined, '1', 'is new'],
      ['1', '2', 'changed'],
      ['1', undefined, 'is gone'],
    ] as const)
      expect(changes(selecting(before, 'a'), selecting(after, 'b'), 0)).toEqual([
        `ignore-changed: the ignore file ignore ${how}`,
        files,
      ])
    expect(changes(selecting('1', 'a'), selecting('2', 'a'), 0)).toEqual([])
  })

  it('is told by what is new, gone or moved before it', () => {
    const list = (...texts: string[]): BuildNote =>
      note(
        texts.map((text, i) =>
          step(text, { key: digestOf(texts.slice(0, i + 1).join()), inputs: i === 0 ? [] : on(i - 1) }),
        ),
      )
    expect(changes(list('a', 'c'), list('a', 'b', 'c'), 2)[0]).toMatch(/^instruction-new: .*\[b\] b/)
    expect(changes(list('a', 'b', 'c'), list('a', 'c'), 1)[0]).toMatch(/^instruction-removed: .*: b/)
    expect(changes(list('a', 'b', 'c'), list('a', 'c', 'b'), 1)[0]).toMatch(/^order-changed/)
    expect(changes(list('a'), list('a', 'b'), 1)).toEqual(['instruction-new: the instruction is new'])
  })
})

describe('lists of files', () => {
  const file = (path: string, content: string, more: Partial<Entry> = {}): Entry => ({
    ...{ path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: 1, mtime: 1n },
    sha256: digestOf(content).slice(7),
    ...more,
  })
  const said = (before: readonly Entry[], after: readonly Entry[]): string[] | undefined =>
    compareLists(formatList(before), formatList(after))?.map((reason) => reason.text)

  it.each([
    ['content', [file('a', '1')], [file('a', '2')], ['the content of a changed']],
    ['mode', [file('a', '1')], [file('a', '1', { mode: 0o755 })], ['the mode of a changed from 644 to 755']],
    ['owner', [file('a', '1')], [file('a', '1', { uid: 5 })], ['the owner of a changed']],
    ['a new file', [], [file('a b/c', '1')], ['a b/c was added']],
    ['a name that is not UTF-8', [], [file('\xfc', '1')], ['\ufffd was added']],
    ['a lost file', [file('a', '1')], [], ['a was removed']],
    ['a new name', [file('a', '1'), file('k', '2')], [file('b', '1'), file('k', '2')], ['a was renamed to b']],
    [
      'another type',
      [file('a', '1')],
      [file('a', '1', { type: 'symlink', sha256: undefined, link: 'x' })],
      ['a was a file and is a symlink'],
    ],
    ['times alone', [file('a', '1')], [file('a', '1', { mtime: 9n })], []],
  ])('tell %s', (_what, before, after, told) => {
    expect(said(before, after)).toEqual(told)
  })

  it('name a few files and count the rest', () => {
    const many = Array.from({ length: 12 }, (_, i) => file(`f${i}`, `${i}`))
    expect(said([], many)?.at(-1)).toBe('and 4 more files like it')
    expect(said([], many)).toHaveLength(9)
  })

  it('tell files that were only touched', () => {
    const texts = touchedFiles(formatList([file('a', '1')]), formatList([file('a', '1', { mtime: 2n })]))
    expect(texts.map((reason) => reason.kind)).toEqual(['file-touched'])
  })

  it('that are missing, torn or of another version say nothing', () => {
    expect(compareLists(undefined, formatList([]))).toBeUndefined()
    expect(compareLists('other\0', formatList([]))).toBeUndefined()
  })
})

describe('an outcome', () => {
  const outcome = { note: note([]), now: step('x'), then: step('x'), touched: [], changes: () => [] }
  it.each([
    ['hit', {}, 'unchanged'],
    ['unasked', { then: undefined }, 'made-before'],
    ['fresh', {}, 'no-cache'],
    ['no-record', { note: undefined, then: undefined }, 'first-build'],
    ['no-record', { note: { rules: 0 } }, 'rules-changed'],
    ['no-record', {}, 'record-gone'],
    ['no-record', { then: step('x', { made: false }) }, 'never-finished'],
    ['layer-absent', {}, 'layer-gone'],
    ['other-mode', {}, 'other-mode'],
    ['renewed', {}, 'step-rebuilt'],
    ['same-content', {}, 'same-content'],
  ] as const)('%s %j is %s', (lookup, more, kind) => {
    expect(reasonsFor({ ...outcome, ...more, lookup })[0]?.kind).toBe(kind)
  })
})

it('settings of the builder and proxies are no args that a step uses', () => {
  const given = { BUILDKIT_INLINE_CACHE: '1', https_proxy: 'p', SOURCE_DATE_EPOCH: '1', X: '1' }
  expect(argReasons({ given, before: undefined, uses: new Map() })).toEqual([
    { kind: 'arg-unused', text: 'build arg X: no step uses it' },
  ])
})

it('a note that is torn, or of another version, is a miss', () => {
  const text = formatNote(note([step('x')]))
  expect(parseNote(text)?.steps).toHaveLength(1)
  for (const bad of ['', text.slice(0, -3), text.replace('"version":1', '"version":2'), '{"version":1,"steps":[{}]}'])
    expect(parseNote(bad)).toBeUndefined()
})
