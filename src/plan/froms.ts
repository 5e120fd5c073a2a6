/** FROM lines with their variables filled in. All are looked at, whether the target needs the stage or not, as BuildKit does. */
import { WherryError, asWherryError, withRange } from '../core/errors.ts'
import type { Checks } from '../dockerfile/checks/checks.ts'
import type { RuleName } from '../dockerfile/checks/rules.ts'
import { type Expanded, expandWord } from '../dockerfile/expand.ts'
import type { Dockerfile, FromInstruction } from '../dockerfile/instructions.ts'
import { similarName } from '../dockerfile/suggest.ts'
import { type Platform, parsePlatform } from '../oci/platform.ts'
import { parseReference } from '../oci/reference.ts'
import { type Globals, evaluateGlobals } from './globals.ts'

/** A FROM, expanded. */
export interface ResolvedFrom {
  readonly base: string
  readonly platform?: Platform
  /** Variables that stand in it. */
  readonly uses: readonly string[]
}

/** What FROM lines are resolved with. */
export interface FromContext {
  readonly globals: Globals
  readonly targetPlatform: Platform
  readonly checks: Checks
}

/**
 * Expands every FROM and makes the checks on it.
 * @throws WherryError `dockerfile-invalid` or `dockerfile-syntax` with its range
 */
export function resolveFroms(dockerfile: Dockerfile, context: FromContext): ResolvedFrom[] {
  return dockerfile.stages.map(({ from }) => {
    try {
      return resolveFrom(from, dockerfile.escape, context)
    } catch (error) {
      throw withRange(error, from.at)
    }
  })
}

function resolveFrom(from: FromInstruction, escape: string, context: FromContext): ResolvedFrom {
  const { globals, targetPlatform } = context
  const expand = (word: string): Expanded => expandWord(word, (key) => globals.values.get(key), { escape })
  const base = expand(from.base)
  reportUndeclared(from, base, context)
  if (base.value === '') {
    throw new WherryError('dockerfile-invalid', `base name (${from.base}) should not be blank`, {
      hint: 'Give the ARG before FROM a default, or pass it with --build-arg.',
    })
  }
  if (from.platform === undefined) return { base: base.value, uses: base.matched }
  const platform = expand(from.platform)
  reportUndeclared(from, platform, context)
  checkPlatform(from, platform, context)
  return {
    base: base.value,
    platform: platformOf(from.platform, platform, { globals, targetPlatform }),
    uses: [...base.matched, ...platform.matched],
  }
}

function platformOf(
  written: string,
  { value, unmatched }: Expanded,
  { globals, targetPlatform }: Pick<FromContext, 'globals' | 'targetPlatform'>,
): Platform {
  const near = unmatched.map((name) => similarName(name, globals.values.keys())).find((name) => name !== undefined)
  const suggestion = near === undefined ? '' : ` (did you mean ${near}?)`
  if (value === '')
    throw new WherryError('dockerfile-invalid', `empty platform value from expression ${written}${suggestion}`, {
      hint: 'Of variables, FROM sees only ARGs before the first FROM and the platform args, TARGETPLATFORM for instance.',
    })
  try {
    return parsePlatform(value, targetPlatform)
  } catch (cause) {
    const { hint } = asWherryError(cause)
    throw new WherryError(
      'dockerfile-invalid',
      `failed to parse platform ${written}: ${whyNoPlatform(value)}${suggestion}`,
      { hint, cause },
    )
  }
}

/** In the words of containerd's platforms package, which docker shows. */
function whyNoPlatform(value: string): string {
  const parts = value.split('/')
  const bad = parts.find((part) => !/^[A-Za-z0-9_.-]+$/.test(part))
  if (parts.length > 3 || bad === undefined)
    return `${JSON.stringify(value)}: cannot parse platform specifier: invalid argument`
  return `${JSON.stringify(bad)} is an invalid component of ${JSON.stringify(value)}: platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument`
}

function reportUndeclared(from: FromInstruction, { unmatched }: Expanded, { globals, checks }: FromContext): void {
  const declared = new Set([...globals.args.keys(), ...globals.values.keys()])
  for (const name of unmatched) {
    if (declared.has(name)) continue
    const near = similarName(name, declared)
    const suggestion = near === undefined ? '' : ` (did you mean ${near}?)`
    report(from, checks, ['UndefinedArgInFrom', `FROM argument '${name}' is not declared${suggestion}`])
  }
}

function checkPlatform(
  from: FromInstruction,
  expanded: Expanded,
  { globals, checks, targetPlatform }: FromContext,
): void {
  const { value, matched, unmatched } = expanded
  if (matched.length === 0 && unmatched.length === 0) {
    if (!isMeant(from, value, targetPlatform)) {
      const message = `FROM --platform flag should not use constant value "${value}"`
      report(from, checks, ['FromPlatformFlagConstDisallowed', message])
    }
    return
  }
  const isTarget = matched.length === 1 && matched[0] === 'TARGETPLATFORM' && unmatched.length === 0
  if (!isTarget || value !== globals.values.get('TARGETPLATFORM')) return
  const message = `Setting platform to predefined ${from.platform} in FROM is redundant as this is the default behavior`
  report(from, checks, ['RedundantTargetPlatform', message])
}

/** A stage whose name has the platform in it; or no platform at all, which is an error of its own. */
function isMeant({ name = '' }: FromInstruction, value: string, targetPlatform: Platform): boolean {
  try {
    const { os, architecture } = parsePlatform(value, targetPlatform)
    return name.includes(os) || name.includes(architecture)
  } catch {
    return true
  }
}

/** Reports base names that are no image's unless a build arg is given. */
export function checkDefaultBases(
  dockerfile: Dockerfile,
  predefined: ReadonlyMap<string, string>,
  checks: Checks,
): void {
  const defaults = attempt(() => evaluateGlobals(dockerfile, predefined, {}))
  if (defaults === undefined) return
  const stages = new Set<string>()
  for (const { from } of dockerfile.stages) {
    const { escape } = dockerfile
    const base = attempt(() => expandWord(from.base, (key) => defaults.values.get(key), { escape }).value)
    if (base === undefined) return
    if (!stages.has(base.toLowerCase()) && !isImageName(base)) {
      const message = `Default value for ARG ${from.base} results in empty or invalid base image name`
      checks.report({ rule: 'InvalidDefaultArgInFrom', message, at: from.at })
    }
    if (from.name !== undefined) stages.add(from.name)
  }
}

/** What cannot be evaluated is an error of the build itself, which will say so. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

function isImageName(text: string): boolean {
  return attempt(() => parseReference(text)) !== undefined
}

function report(from: FromInstruction, checks: Checks, [rule, message]: readonly [RuleName, string]): void {
  checks.report({ rule, message, at: from.at }, from.comments)
}
