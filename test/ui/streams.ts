/** Event streams that the renderers are tried on. */
import { digestOf } from '../../src/core/digest.ts'
import type { BuildEvent, StepLine } from '../../src/core/events.ts'
import type { Recording } from './surface.ts'

/** An event, or milliseconds that pass. */
export type Moment = BuildEvent | number

const step = (ordinal: number, stage: string, text: string, makesLayer = true): StepLine => ({
  id: `s${ordinal}`,
  ordinal,
  total: 6,
  stage,
  text,
  makesLayer,
})

const steps = [
  step(1, 'build', 'FROM localhost:5000/debian AS build', false),
  step(2, 'build', 'RUN make all'),
  step(3, '1', 'FROM scratch', false),
  step(4, '1', 'COPY --from=build /app /app'),
  step(5, '1', 'ADD http://localhost/file.tar /'),
  step(6, '1', 'ENV A=b', false),
]
const done = (id: string, ms: number, digest?: string): BuildEvent => ({
  type: 'step-finished',
  id,
  outcome: 'done',
  durationMs: ms,
  ...(digest === undefined ? {} : { digest: digestOf(digest) }),
})

/** Two stages: a pull, a RUN with output in odd chunks, a cached COPY, a download, metadata. */
export const twoStages: readonly Moment[] = [
  { type: 'build-started', version: 1, dockerfile: 'Dockerfile', context: '/home/ada/app' },
  { type: 'context', files: 12, bytes: 2048, durationMs: 41 },
  { type: 'plan', steps },
  { type: 'warning', message: 'one or more build-args were not consumed: X' },
  {
    type: 'warning',
    rule: 'FromAsCasing',
    message: "'as' and 'FROM' keywords' casing do not match",
    description: "The 'as' keyword should match the case of the 'from' keyword",
    url: 'https://docs.docker.com/go/dockerfile/rule/from-as-casing/',
    at: { file: 'Dockerfile', startLine: 1, endLine: 1, excerpt: ['FROM localhost:5000/debian as build'] },
  },
  { type: 'transfer-started', id: 't1', kind: 'pull', subject: 'localhost:5000/debian', total: 28_000_000 },
  500,
  { type: 'transfer-progress', id: 't1', current: 1_000_000 },
  4000,
  { type: 'transfer-progress', id: 't1', current: 14_000_000 },
  500,
  { type: 'transfer-finished', id: 't1', outcome: 'done', bytes: 28_000_000, durationMs: 5000 },
  { type: 'step-started', id: 's2' },
  300,
  { type: 'step-output', id: 's2', stream: 'stdout', text: 'cc -o a a.c\ncc -o ' },
  { type: 'step-output', id: 's2', stream: 'stderr', text: 'a.c:1: warning: \u001b[31mred\u001b[0m\n' },
  700,
  { type: 'step-output', id: 's2', stream: 'stdout', text: 'b b.c\n 10%\r 50%\r100%\nlast words' },
  100,
  done('s2', 1100, 'two'),
  { type: 'step-finished', id: 's4', outcome: 'cached', durationMs: 0, digest: digestOf('four') },
  { type: 'step-started', id: 's5' },
  { type: 'transfer-started', id: 't2', kind: 'download', subject: 'http://localhost/file.tar' },
  { type: 'transfer-progress', id: 't2', current: 512 },
  { type: 'transfer-finished', id: 't2', outcome: 'done', bytes: 1024, durationMs: 20 },
  done('s5', 25, 'five'),
  { type: 'image', id: digestOf('image'), manifest: digestOf('manifest'), tags: ['ada/app:latest', 'ada/app:1'] },
  { type: 'pushed', reference: 'localhost:5000/ada/app:1', digest: digestOf('manifest'), size: 527 },
  { type: 'build-finished', outcome: 'done', durationMs: 6500 },
]

/** Parallel steps out of order, then one that fails while another is cancelled. */
export const failing: readonly Moment[] = [
  { type: 'build-started', version: 1, dockerfile: 'Dockerfile', context: '/home/ada/app' },
  { type: 'plan', steps },
  { type: 'step-started', id: 's5' },
  { type: 'step-started', id: 's2' },
  { type: 'step-output', id: 's5', stream: 'stdout', text: 'from five\n' },
  { type: 'step-output', id: 's2', stream: 'stderr', text: 'make: *** no rule\nto make it\n' },
  2500,
  { type: 'step-finished', id: 's2', outcome: 'failed', durationMs: 2500 },
  { type: 'step-finished', id: 's5', outcome: 'cancelled', durationMs: 2500 },
  { type: 'build-finished', outcome: 'failed', durationMs: 2500 },
]

/** All cached: only the last step that makes a layer was looked up. */
export const cachedBuild: readonly Moment[] = [
  { type: 'build-started', version: 1, dockerfile: 'Dockerfile', context: '/home/ada/app' },
  { type: 'context', files: 1, bytes: 10, durationMs: 1 },
  { type: 'context', files: 2, bytes: 20, durationMs: 1 },
  { type: 'plan', steps },
  { type: 'step-finished', id: 's5', outcome: 'cached', durationMs: 0, digest: digestOf('five') },
  { type: 'image', id: digestOf('image'), manifest: digestOf('manifest'), tags: [] },
  { type: 'build-finished', outcome: 'done', durationMs: 30 },
]

/** Plays a stream into a renderer, moving the surface's clock. */
export function play(stream: readonly Moment[], event: (event: BuildEvent) => void, surface: Recording): void {
  for (const moment of stream) {
    if (typeof moment === 'number') surface.advance(moment)
    else event(moment)
  }
}
