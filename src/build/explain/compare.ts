/** Why a step's key is another one than in the last build: pure comparison of two notes. */
import type { ExplainReason } from '../../core/events.ts'
import type { BaseNote, BuildNote, InputNote, StepNote } from './note.ts'

/** Two builds of one Dockerfile, and which step is which. */
export interface Comparison {
  readonly before: BuildNote
  readonly after: BuildNote
  /** By place in `after`: place in `before`. */
  readonly pairs: ReadonlyMap<number, number>
  /** What is different in the files that a step copies; asked only if its selection is another one. */
  files(before: StepNote, after: StepNote): readonly ExplainReason[] | undefined
}

/** What makes the step at `place` another one than before, most telling first; nothing if it is the same. */
export function changesOf(comparison: Comparison, place: number): ExplainReason[] {
  const { now, then } = stepsAt(comparison, place)
  if (then === undefined) return [{ kind: 'instruction-new', text: 'the instruction is new' }]
  if (isSameStep(now, then)) return []
  const found = [...ownChanges(comparison, place), ...inputChanges(comparison, place)]
  if (found.length > 0 || then.key === undefined) return unique(found)
  return [{ kind: 'unknown', text: 'something else that is part of its key changed' }]
}

function isSameStep(now: StepNote | undefined, then: StepNote | undefined): boolean {
  return now?.key !== undefined && now.key === then?.key
}

function stepsAt({ before, after, pairs }: Comparison, place: number): { now: StepNote; then: StepNote | undefined } {
  const old = pairs.get(place)
  return { now: after.steps[place]!, then: old === undefined ? undefined : before.steps[old] }
}

/** Changes of the step itself, whatever it stands on. */
function ownChanges(comparison: Comparison, place: number): ExplainReason[] {
  const { now, then } = stepsAt(comparison, place)
  if (then === undefined) return []
  const found = [...wordChanges(then, now), ...variableChanges(comparison, then, now)]
  if (now.selection === then.selection || now.selection === undefined) return found
  return [...found, ...ignoreChanges(comparison), ...fileChanges(comparison, then, now)]
}

/** Fields that follow from the words of the instruction. */
const written = ['kind', 'args', 'script', 'sources', 'destination', 'chown', 'chmod', 'path']

/** What a field is to people. */
const fieldNames: Readonly<Record<string, string>> = {
  args: 'the command that its words come to (SHELL)',
  cwd: 'its working directory (WORKDIR)',
  user: 'its user (USER)',
  network: 'its network',
  epoch: 'SOURCE_DATE_EPOCH',
  mounts: 'what its mounts ask for',
  sources: 'what its sources come to',
  destination: 'its destination',
  chown: 'its owner (--chown)',
  chmod: 'its mode (--chmod)',
  path: 'its folder',
  shmSize: '--shm-size',
  hosts: '--add-host',
  ulimits: '--ulimit',
  hostname: 'its host name',
}

function wordChanges(then: StepNote, now: StepNote): ExplainReason[] {
  const isReworded = then.text !== now.text
  const first: ExplainReason[] = isReworded
    ? [{ kind: 'instruction-changed', text: `the instruction changed; it was: ${then.text}` }]
    : []
  const names = new Set([...Object.keys(then.fields), ...Object.keys(now.fields)])
  const settings = [...names].filter(
    (name) => then.fields[name] !== now.fields[name] && !(isReworded && written.includes(name)),
  )
  return [
    ...first,
    ...settings.map((name) => ({ kind: 'setting-changed' as const, text: `${fieldNames[name] ?? name} changed` })),
  ]
}

function variableChanges({ before, after }: Comparison, then: StepNote, now: StepNote): ExplainReason[] {
  const nounOf = (name: string): string =>
    Object.hasOwn(before.args, name) || Object.hasOwn(after.args, name) ? 'build arg' : 'variable'
  return [...new Set([...Object.keys(now.env), ...Object.keys(then.env)])].flatMap((name): ExplainReason[] => {
    const old = then.env[name]
    const value = now.env[name]
    const subject = `the ${nounOf(name)} ${name}`
    if (old === value) return []
    if (old === undefined) return [{ kind: 'variable-new', text: `${subject} is new` }]
    if (value === undefined) return [{ kind: 'variable-gone', text: `${subject} is gone` }]
    return [{ kind: 'variable-changed', text: `${subject} has another value` }]
  })
}

function ignoreChanges({ before, after }: Comparison): ExplainReason[] {
  const names = new Set([...Object.keys(before.ignore), ...Object.keys(after.ignore)])
  return [...names].flatMap((name): ExplainReason[] => {
    const old = before.ignore[name]
    const now = after.ignore[name]
    if (old === now) return []
    const how = old === undefined ? 'is new' : now === undefined ? 'is gone' : 'changed'
    return [{ kind: 'ignore-changed', text: `the ignore file ${name} ${how}` }]
  })
}

function fileChanges(comparison: Comparison, then: StepNote, now: StepNote): readonly ExplainReason[] {
  const found = comparison.files(then, now)
  if (found !== undefined && found.length > 0) return found
  return [{ kind: 'files-changed', text: 'the files that it copies changed; there is no list to name them' }]
}

function inputChanges(comparison: Comparison, place: number): ExplainReason[] {
  const { now, then } = stepsAt(comparison, place)
  if (then === undefined) return []
  return now.inputs.flatMap((input, at) => {
    const old = then.inputs[at]
    return old === undefined ? [] : inputChange(comparison, old, input)
  })
}

function inputChange(comparison: Comparison, old: InputNote, now: InputNote): ExplainReason[] {
  const { before, after, pairs } = comparison
  if (now.step === undefined && old.step === undefined) return baseChange(comparison, old, now)
  const nowStep = now.step === undefined ? undefined : after.steps[now.step]
  const oldStep = old.step === undefined ? undefined : before.steps[old.step]
  if (isSameStep(nowStep, oldStep)) return []
  if (now.step !== undefined && pairs.get(now.step) === old.step) return rebuilt(comparison, now.step, now.role)
  if (now.step !== undefined && !pairs.has(now.step))
    return [{ kind: 'instruction-new', text: `an instruction before it is new: ${name(nowStep!)}` }]
  if (old.step !== undefined && ![...pairs.values()].includes(old.step))
    return [{ kind: 'instruction-removed', text: `an instruction before it is gone: ${oldStep!.text}` }]
  const text = nowStep === undefined ? `it stood after ${oldStep!.text}` : `${name(nowStep)} now comes before it`
  return [{ kind: 'order-changed', text: `the order of the instructions changed: ${text}` }]
}

/** A step under it is another one: named is the one where it began. */
function rebuilt(comparison: Comparison, place: number, role: string): ExplainReason[] {
  const origin = originOf(comparison, place)
  const step = comparison.after.steps[origin]!
  if (step.label === '') {
    const changes = changesOf(comparison, origin)
    return changes.map(({ kind, text }) => ({ kind, text: `${whatOf(role)}: ${text}` }))
  }
  return [{ kind: 'step-rebuilt', text: `${whatOf(role)}: ${name(step)}` }]
}

function whatOf(role: string): string {
  if (role === 'from') return 'a step of the stage that it copies from changed'
  return role.startsWith('mount ')
    ? `what is mounted at ${role.slice('mount '.length)} changed`
    : 'an earlier step changed'
}

/** The first step on the way down that is different by itself. */
function originOf(comparison: Comparison, place: number): number {
  const { now, then } = stepsAt(comparison, place)
  if (then === undefined || ownChanges(comparison, place).length > 0) return place
  for (const [at, input] of now.inputs.entries()) {
    const old = then.inputs[at]
    if (input.step === undefined || old?.step === undefined) continue
    const isSame = isSameStep(comparison.after.steps[input.step], comparison.before.steps[old.step])
    if (!isSame && comparison.pairs.get(input.step) === old.step) return originOf(comparison, input.step)
  }
  return place
}

function baseChange({ before, after }: Comparison, old: InputNote, now: InputNote): ExplainReason[] {
  if (old.base === now.base) return []
  const is = after.bases.filter((base) => base.stack === now.base)
  const was = before.bases.filter((base) => base.stack === old.base)
  const moved = is.find((base) => was.some((other) => other.name === base.name))
  if (moved !== undefined) {
    const from = was.find((other) => other.name === moved.name)!
    return [{ kind: 'base-moved', text: `the base image ${moved.name} moved from ${from.digest} to ${moved.digest}` }]
  }
  const text = `the base image is another one: ${baseName(is[0])}; it was ${baseName(was[0])}`
  return [{ kind: 'base-changed', text }]
}

function baseName(base: BaseNote | undefined): string {
  return base === undefined ? 'scratch' : `${base.name} (${base.digest})`
}

function name({ label, text }: StepNote): string {
  return label === '' ? text : `${label} ${text}`
}

function unique(reasons: readonly ExplainReason[]): ExplainReason[] {
  return [...new Map(reasons.map((reason) => [reason.text, reason])).values()]
}
