/** From what the engine found of a step, and what is different, to the reasons that are told. */
import type { ExplainReason } from '../../core/events.ts'
import type { Lookup } from '../engine.ts'
import { keyVersion } from '../keys.ts'
import type { BuildNote, StepNote } from './note.ts'

/** What is known of one step. */
export interface Outcome {
  /** `unasked`: what uses it is cached. */
  readonly lookup: Lookup | 'unasked'
  /** Of the last build, if there was one. */
  readonly note: Pick<BuildNote, 'rules'> | undefined
  readonly now: StepNote
  /** The step as it was. */
  readonly then: StepNote | undefined
  /** Files that only have another time. */
  readonly touched: readonly ExplainReason[]
  changes(this: void): ExplainReason[]
}

/** The reasons for an outcome, the most telling first. */
export function reasonsFor(outcome: Outcome): ExplainReason[] {
  const { lookup, note, touched } = outcome
  if (lookup === 'hit' || lookup === 'unasked') return [...hitReasons(outcome), ...touched]
  if (lookup === 'fresh') return [{ kind: 'no-cache', text: '--no-cache or --no-cache-filter says that it runs' }]
  if (lookup === 'same-content') {
    const same = { kind: 'same-content', text: 'what it works on is the same, byte for byte' } as const
    return [same, ...(note === undefined ? [] : outcome.changes())]
  }
  if (note === undefined) return [{ kind: 'first-build', text: 'the first build of this Dockerfile here' }]
  if (note.rules !== keyVersion) {
    return [{ kind: 'rules-changed', text: 'this version of wherry has other rules for what counts' }]
  }
  const changes = outcome.changes()
  return changes.length > 0 ? changes : [missReason(outcome)]
}

function hitReasons({ now, then }: Outcome): ExplainReason[] {
  const isSame = then?.key !== undefined && then.key === now.key
  return isSame
    ? [{ kind: 'unchanged', text: 'nothing that counts for it changed' }]
    : [{ kind: 'made-before', text: 'an earlier build made the same' }]
}

/** Nothing changed, and yet there is no result. */
function missReason({ lookup, then }: Outcome): ExplainReason {
  if (lookup === 'other-mode')
    return { kind: 'other-mode', text: 'its result was made in a mode that could not keep every owner' }
  if (lookup === 'layer-absent')
    return { kind: 'layer-gone', text: 'its layer is not in the store, whole, and no registry is known to have it' }
  if (lookup === 'renewed') return { kind: 'step-rebuilt', text: 'a step before it ran again and made something else' }
  if (then?.made === true) return { kind: 'record-gone', text: 'its record is gone: the store was pruned' }
  return { kind: 'never-finished', text: 'the last build did not finish it' }
}
