/** From recorded events to times. */
import { expect, test } from 'vitest'
import { buildRecorder, parseBuildRecord } from '../../src/core/build-record.ts'
import { digestOf } from '../../src/core/digest.ts'
import { axisTicks, position } from '../../src/report/axis.ts'
import { buildReport } from '../../src/report/build.ts'
import { buildWords } from '../../src/report/words.ts'
import { sampleRecord } from './sample.ts'

const report = buildReport(sampleRecord, 'id')
const step = (id: string) => report.steps.find((one) => one.id === id)

test('each step has its beginning, its end and what it waited for', () => {
  expect(step('s2')).toMatchObject({ outcome: 'done', start: 1000, end: 5000, ready: 100 })
  expect(step('s4')).toMatchObject({ start: 5500, end: 9500, ready: 5000, needs: ['s2'] })
  expect(step('s6')).toMatchObject({ outcome: 'cached', start: 120, end: 120 })
  expect(step('s8')).toMatchObject({ outcome: 'silent' })
})

test('what decided the end is the chain of what was waited for', () => {
  expect(report.steps.filter(({ isCritical }) => isCritical).map(({ id }) => id)).toEqual(['s2', 's4', 's7'])
})

test('stages and the build have sums', () => {
  expect(report).toMatchObject({ outcome: 'done', duration: 9800, busy: 8090, images: [digestOf('image')] })
  expect(report.stages.map(({ name, ran, cached, busy }) => [name, ran, cached, busy])).toEqual([
    ['deps', 1, 0, 4000],
    ['build', 1, 0, 4000],
    ['2', 1, 1, 90],
  ])
  expect(report.transfers).toMatchObject([{ kind: 'pull', subject: 'debian', start: 150, end: 900 }])
  expect(buildWords(report)).toEqual({
    took: '9.8s',
    steps: '3 steps run, 1 cached',
    work: '8.1s of work, 1.0 steps at once',
  })
})

test('a build that was cut off is told as far as it came', () => {
  const cut = buildReport({ ...sampleRecord, events: sampleRecord.events.slice(0, 6) })
  expect(cut).toMatchObject({ outcome: 'cancelled', duration: 1000, images: [] })
  expect(cut.steps.map(({ outcome }) => outcome)).toContain('cached')
  expect(buildReport({ startedAt: '', events: [] })).toMatchObject({ steps: [], stages: [], duration: 0 })
})

test('a step that still ran when the record ends was cancelled', () => {
  const cut = buildReport({ ...sampleRecord, events: sampleRecord.events.slice(0, 6) })
  expect(cut.steps.find(({ id }) => id === 's2')).toMatchObject({ outcome: 'cancelled', start: 1000, end: 1000 })
})

test('records keep what a report needs, and come back as they were', () => {
  let now = 0
  const recorder = buildRecorder(() => now)
  const [, plan] = sampleRecord.events[1]!
  now = 7.6
  recorder.take(plan)
  recorder.take({ type: 'step-output', id: 's2', stream: 'stdout', text: 'secret' })
  recorder.take({ type: 'transfer-progress', id: 't', current: 1 })
  expect(parseBuildRecord(recorder.text())?.events).toEqual([[8, plan]])
  for (const text of [
    '',
    '[]',
    '{"version":1}',
    '{"version":2,"startedAt":"","events":[]}',
    '{"version":1,"startedAt":"","events":[[1]]}',
  ])
    expect(parseBuildRecord(text)).toBeUndefined()
})

test('marks on the axis are round and few', () => {
  for (const total of [1, 7, 99, 1234, 60_000, 3_600_000, 86_400_000]) {
    const ticks = axisTicks(total)
    expect(ticks.length).toBeLessThanOrEqual(12)
    expect(ticks.every((at) => position(at, total) > 0 && position(at, total) < 1000)).toBe(true)
  }
  expect(axisTicks(9800)).toEqual([2000, 4000, 6000, 8000])
})
