/** One pattern of an ignore file, compiled as moby/patternmatcher does. */
import type { BytePath } from '../core/bytepath.ts'
import { WherryError } from '../core/errors.ts'
import { goMatch } from './go-match.ts'
import { goRunes } from './go-path.ts'
import { type Matcher, goRegexp } from './go-regexp.ts'

/** How a pattern is matched. */
export type IgnoreMatch =
  | { readonly type: 'exact' }
  | { readonly type: 'prefix'; readonly prefix: BytePath }
  | { readonly type: 'suffix'; readonly suffix: BytePath }
  /** `source` is the expression in Go's syntax. */
  | { readonly type: 'regexp'; readonly regexp: Matcher; readonly source: string }

/** A compiled pattern. */
export interface IgnorePattern {
  /** Cleaned, without `!`. */
  readonly text: BytePath
  /** True for `!`: what it matches is not ignored. */
  readonly exclusion: boolean
  readonly match: IgnoreMatch
}

/**
 * Compiles a cleaned pattern without `!`.
 * @throws WherryError `dockerfile-invalid`
 */
export function compileIgnorePattern(text: BytePath, exclusion: boolean): IgnorePattern {
  // Only for its check of the syntax.
  goMatch(text, '.')
  return { text, exclusion, match: compile(text) }
}

function compile(text: BytePath): IgnoreMatch {
  const { type, source } = toRegexp(Array.from(goRunes(text)))
  if (type === 'exact') return { type }
  if (type === 'prefix') return { type, prefix: text.slice(0, -2) }
  if (type === 'suffix') return { type, suffix: text.slice(2) }
  const regexp = goRegexp(`${source}$`)
  if (regexp !== undefined) return { type, regexp, source: `${source}$` }
  throw new WherryError('dockerfile-invalid', `syntax error in pattern: ${goRunes(text)}`)
}

/**
 * Builds the expression and finds the cheapest way to match: the type is what the last special character asks for, so that
 * for instance a leading `**` with nothing special behind it is a suffix.
 */
function toRegexp(chars: readonly string[]): { type: IgnoreMatch['type']; source: string } {
  let source = '^'
  let type: IgnoreMatch['type'] = 'exact'
  let at = 0
  while (at < chars.length) {
    const start = at
    const char = chars[at++]!
    if (char === '*' && chars[at] === '*') {
      at++
      if (chars[at] === '/') at++
      const isLast = at >= chars.length
      if (isLast && type === 'exact') type = 'prefix'
      else {
        source += isLast ? '.*' : '(.*/)?'
        type = 'regexp'
      }
      if (start === 0) type = 'suffix'
    } else if (char === '*' || char === '?') {
      source += char === '*' ? '[^/]*' : '[^/]'
      type = 'regexp'
    } else if (char === '\\') {
      source += `\\${chars[at++] ?? ''}`
      type = 'regexp'
    } else {
      source += '.+()|{}$'.includes(char) ? `\\${char}` : char
      if (char === '[' || char === ']') type = 'regexp'
    }
  }
  return { type, source }
}

/** True if the pattern matches this path itself; `runes` is the path as `goRunes` gives it. */
export function matchesPath(pattern: IgnorePattern, path: BytePath, runes: () => string): boolean {
  const { match } = pattern
  switch (match.type) {
    case 'exact':
      return path === pattern.text
    case 'prefix':
      return path.startsWith(match.prefix)
    case 'suffix':
      return path.endsWith(match.suffix) || (match.suffix.startsWith('/') && path === match.suffix.slice(1))
    case 'regexp':
      return match.regexp.test(runes())
  }
}

/** False if the pattern can match nothing strictly below `folder`; true if it can, or might. */
export function mayMatchBelow(pattern: IgnorePattern, folder: BytePath): boolean {
  const below = `${folder}/`
  switch (pattern.match.type) {
    case 'exact':
      return pattern.text.startsWith(below)
    case 'prefix':
      return pattern.match.prefix.startsWith(below) || below.startsWith(pattern.match.prefix)
    case 'suffix':
      return true
    case 'regexp': {
      const special = pattern.text.search(/[*?[\]\\^]/)
      const literal = pattern.text.slice(0, pattern.text.lastIndexOf('/', special) + 1)
      return literal.startsWith(below) || below.startsWith(literal)
    }
  }
}
