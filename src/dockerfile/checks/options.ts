/** What `# check=…` and the build arg BUILDKIT_DOCKERFILE_CHECK say: `skip=A,B;error=true;experimental=C`. */
import { WherryError } from '../../core/errors.ts'
import { directiveReader } from '../directives.ts'
import { cut } from '../text.ts'

/** Which checks are made, and what a finding means. */
export interface CheckOptions {
  /** Names of checks that are left out. */
  readonly skip: ReadonlySet<string> | 'all'
  /** Names of experimental checks that are made. */
  readonly experimental: ReadonlySet<string> | 'all'
  /** A finding makes the build fail. */
  readonly error: boolean
}

/** What holds where nothing is said. */
export const defaultCheckOptions: CheckOptions = { skip: new Set(), experimental: new Set(), error: false }

/**
 * Reads check options.
 * @throws WherryError `dockerfile-invalid` for anything else than skip, experimental and error
 */
export function parseCheckOptions(text: string): CheckOptions {
  const options: { -readonly [K in keyof CheckOptions]: CheckOptions[K] } = { ...defaultCheckOptions }
  for (const part of text.trim() === '' ? [] : splitParts(text.trim())) {
    const [key, value] = cut(part, '=')
    if (value === undefined) throw invalid(`invalid check option ${JSON.stringify(part)}`)
    switch (key.trim()) {
      case 'skip':
      case 'experimental':
        options[key.trim() as 'skip' | 'experimental'] = namesOf(value)
        break
      case 'error':
        options.error = booleanOf(value.trim(), part)
        break
      default:
        throw invalid(`invalid check option ${JSON.stringify(key.trim())}`)
    }
  }
  return options
}

/** Three parts at most: a third semicolon is part of the last one. */
function splitParts(text: string): string[] {
  const parts = text.split(';')
  return parts.length <= 3 ? parts : [...parts.slice(0, 2), parts.slice(2).join(';')]
}

function namesOf(value: string): ReadonlySet<string> | 'all' {
  if (value.trim() === 'all') return 'all'
  return new Set(value.split(',').map((name) => name.trim()))
}

function booleanOf(value: string, part: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false
  throw invalid(`failed to parse check option ${JSON.stringify(part)}: ${JSON.stringify(value)} is no boolean`)
}

function invalid(message: string): WherryError {
  return new WherryError('dockerfile-invalid', message, {
    hint: 'Write skip=RULE,RULE or skip=all, error=true and experimental=RULE or experimental=all, with ; between them.',
  })
}

/**
 * The options for an instruction, with what the comments above it add: the first `check=…` among them may skip more, or ask for
 * more experimental checks. One that cannot be read counts as a comment.
 */
export function withComments(options: CheckOptions, comments: readonly string[]): CheckOptions {
  for (const comment of comments) {
    const found = checkComment(comment)
    if (found === undefined) continue
    try {
      const more = parseCheckOptions(found)
      return {
        ...options,
        skip: union(options.skip, more.skip),
        experimental: union(options.experimental, more.experimental),
      }
    } catch {
      return options
    }
  }
  return options
}

function checkComment(comment: string): string | undefined {
  try {
    const directive = directiveReader('').read(comment)
    return directive?.name === 'check' ? cut(directive.value, ' ')[0] : undefined
  } catch {
    return undefined
  }
}

function union(a: CheckOptions['skip'], b: CheckOptions['skip']): CheckOptions['skip'] {
  return a === 'all' || b === 'all' ? 'all' : new Set([...a, ...b])
}
