/** What there is to say of build args: who sees them first, and which nobody does. */
import type { ExplainReason } from '../../core/events.ts'
import type { Plan } from '../../plan/contract.ts'

/** Build args by name, values as short digests. */
export interface GivenArgs {
  readonly given: Readonly<Record<string, string>>
  /** Of the last build, if there was one. */
  readonly before: Readonly<Record<string, string>> | undefined
  readonly uses: Plan['variableUses']
}

/** Args that are settings of the builder, or reach RUN without counting. */
const uncounted = /^(BUILDKIT_\w+|SOURCE_DATE_EPOCH|(https?|ftp|no|all)_proxy)$/i

/** Of args that nobody uses, always; of the others, if they are not as before. */
export function argReasons({ given, before, uses }: GivenArgs): ExplainReason[] {
  const names = [...new Set([...Object.keys(given), ...Object.keys(before ?? {})])].filter(
    (name) => !uncounted.test(name),
  )
  return names.flatMap((name): ExplainReason[] => {
    const use = uses.get(name)
    const how = before === undefined ? '' : howOf(before[name], given[name])
    if (use === undefined) {
      const also = how === '' ? '' : ` (it ${how})`
      return given[name] === undefined
        ? []
        : [{ kind: 'arg-unused', text: `build arg ${name}: no step uses it${also}` }]
    }
    if (how === '') return []
    const { text, at } = use
    return [
      { kind: 'arg-used', text: `build arg ${name} ${how}; the first to see it is ${text} (line ${at.startLine})` },
    ]
  })
}

function howOf(before: string | undefined, now: string | undefined): string {
  if (before === now) return ''
  if (before === undefined) return 'is new'
  return now === undefined ? 'is not given any more' : 'has another value'
}
