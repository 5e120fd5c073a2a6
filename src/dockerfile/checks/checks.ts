/** Collects what the checks find in one Dockerfile. */
import { type SourceRange, WherryError } from '../../core/errors.ts'
import { type CheckOptions, withComments } from './options.ts'
import { type RuleName, ruleOf } from './rules.ts'

/** What a check found. */
export interface Finding {
  readonly rule: RuleName
  readonly message: string
  readonly at: SourceRange
}

/** A collector. */
export interface Checks {
  /** Takes a finding, unless its check is off: for the file, or by the comments above the instruction. */
  report(finding: Finding, comments?: readonly string[]): void
  /** Findings in the order of their lines; equal ones are there once. */
  found(): readonly Finding[]
  /** The error that a finding is, if the file asks for `error=true`. */
  violation(): WherryError | undefined
}

/** A collector with these options. */
export function openChecks(options: CheckOptions): Checks {
  const findings = new Map<string, Finding>()
  const local = new WeakMap<readonly string[], CheckOptions>()
  const optionsAt = (comments: readonly string[]): CheckOptions => {
    const known = local.get(comments) ?? withComments(options, comments)
    local.set(comments, known)
    return known
  }
  return {
    report(finding, comments = []) {
      const { rule, message, at } = finding
      if (isOn(rule, comments.length === 0 ? options : optionsAt(comments)))
        findings.set(JSON.stringify([rule, message, at.startLine]), finding)
    },
    found: () => [...findings.values()].sort((a, b) => a.at.startLine - b.at.startLine),
    violation() {
      if (!options.error || findings.size === 0) return undefined
      const names = new Set([...findings.values()].map((finding) => finding.rule))
      return new WherryError('dockerfile-invalid', `lint violation found for rules: ${[...names].join(', ')}`, {
        hint: 'The Dockerfile asks with "check=error=true" that findings of the build checks are errors; the warnings say where.',
      })
    },
  }
}

/** A collector that takes nothing, for callers that do not ask. */
export const noChecks: Checks = { report: () => undefined, found: () => [], violation: () => undefined }

/** `skip` does not touch experimental checks: those are off unless they are asked for. */
function isOn(rule: RuleName, options: CheckOptions): boolean {
  const names = ruleOf(rule).experimental ? options.experimental : options.skip
  return (names === 'all' || names.has(rule)) === (ruleOf(rule).experimental ?? false)
}
