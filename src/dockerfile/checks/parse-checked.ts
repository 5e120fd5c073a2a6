/** Parses a Dockerfile and makes the checks that need its text alone; the plan makes the others. */
import { type SourceRange, WherryError, asWherryError } from '../../core/errors.ts'
import { findDirective } from '../directives.ts'
import type { Dockerfile } from '../instructions.ts'
import { type Reading, readDockerfile } from '../parse.ts'
import { type Checks, openChecks } from './checks.ts'
import { checkInstructions } from './instructions.ts'
import { type CheckOptions, defaultCheckOptions, parseCheckOptions } from './options.ts'
import { checkCasing, checkStageNames } from './stages.ts'

/** The build arg that stands above the file's own `# check=…`. */
export const checkArg = 'BUILDKIT_DOCKERFILE_CHECK'

/** A Dockerfile and what its text was found to hold; without `dockerfile` there is an `error`. */
export type CheckedDockerfile =
  | { readonly checks: Checks; readonly dockerfile: Dockerfile; readonly error?: undefined }
  | { readonly checks: Checks; readonly dockerfile?: undefined; readonly error: WherryError }

/**
 * Parses. What is wrong with the text comes back as `error`, after the findings in what stands before it.
 * @param options `file` is the name that errors show; `buildArgs` may hold options of the checks
 */
export function parseChecked(
  text: string,
  options: { readonly file: string; readonly buildArgs: Readonly<Record<string, string>> },
): CheckedDockerfile {
  let checks = openChecks(defaultCheckOptions)
  try {
    checks = openChecks(optionsFor(text, options))
    const reading = readDockerfile(text, options)
    checkText(reading, checks)
    if (reading.dockerfile === undefined) return { checks, error: reading.error! }
    return { checks, dockerfile: reading.dockerfile }
  } catch (error) {
    return { checks, error: asWherryError(error) }
  }
}

function optionsFor(
  text: string,
  { file, buildArgs }: { readonly file: string; readonly buildArgs: Readonly<Record<string, string>> },
): CheckOptions {
  const given = buildArgs[checkArg]
  if (given !== undefined) return located(given, `failed to parse build-arg:${checkArg}`)
  const directive = findDirective(text, 'check')
  if (directive === undefined) return defaultCheckOptions
  const at = { file, startLine: directive.line, endLine: directive.line }
  return located(directive.name, 'failed to parse check options', at)
}

function located(text: string, what: string, at?: SourceRange): CheckOptions {
  try {
    return parseCheckOptions(text)
  } catch (error) {
    const { code, message, hint } = asWherryError(error)
    throw new WherryError(code, `${what}: ${message}`, { hint, at })
  }
}

function checkText({ instructions, emptyContinuations, error, dockerfile }: Reading, checks: Checks): void {
  for (const at of emptyContinuations)
    checks.report({ rule: 'NoEmptyContinuation', message: 'Empty continuation line', at })
  const end = error?.at?.startLine ?? Infinity
  checkInstructions(
    instructions.filter((instruction) => instruction.at.startLine < end),
    checks,
  )
  if (dockerfile === undefined) return
  checkStageNames(dockerfile.stages, checks)
  checkCasing(dockerfile.stages, checks)
}
