/**
 * Patterns of `${v#p}`, `${v%p}` and `${v/p/r}`: `?`, `*` and backslash escapes, no brackets.
 * POSIX shell 2.14 without bracket expressions, as docker/dockerfile:1 has it. Matching is polynomial.
 */
import { syntaxError } from './syntax-error.ts'

/** One place of a pattern: a run of anything, one of anything, or one exact character. */
type Token = { readonly kind: 'run' } | { readonly kind: 'any' } | { readonly kind: 'char'; readonly char: string }

/** A compiled pattern. */
export type ShellPattern = readonly Token[]

/**
 * Compiles a pattern. Backslash escapes `*`, `?`, `\`, `/` and `}`.
 * @throws WherryError `dockerfile-syntax`
 */
export function compileShellPattern(text: string): ShellPattern {
  const chars = Array.from(text)
  const tokens: Token[] = []
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!
    if (char === '*') tokens.push({ kind: 'run' })
    else if (char === '?') tokens.push({ kind: 'any' })
    else if (char === '\\') tokens.push({ kind: 'char', char: escaped(chars[++at], text) })
    else tokens.push({ kind: 'char', char })
  }
  return tokens
}

function escaped(char: string | undefined, pattern: string): string {
  if (char !== undefined && '*?\\/}'.includes(char)) return char
  throw syntaxError(`invalid pattern (${pattern}) in substitution: invalid escape '\\${char ?? ''}'`)
}

/** Where a match that begins at `start` ends, the shortest or the longest; -1 if there is none. `*` and `?` stop at a line's end. */
function matchEnd(pattern: ShellPattern, value: readonly string[], start: number, longest: boolean): number {
  let states = closure(new Set([0]), pattern)
  let end = -1
  for (let at = start; ; at++) {
    if (states.has(pattern.length)) {
      end = at
      if (!longest) return end
    }
    const char = value[at]
    if (char === undefined || states.size === 0) return end
    states = closure(step(states, pattern, char), pattern)
  }
}

function step(states: ReadonlySet<number>, pattern: ShellPattern, char: string): Set<number> {
  const next = new Set<number>()
  for (const state of states) {
    const token = pattern[state]
    if (token === undefined) continue
    if (token.kind === 'char' ? token.char === char : char !== '\n') next.add(token.kind === 'run' ? state : state + 1)
  }
  return next
}

/** Adds the places that are reached by letting a `*` match nothing. */
function closure(states: Set<number>, pattern: ShellPattern): Set<number> {
  for (const state of states) if (pattern[state]?.kind === 'run') states.add(state + 1)
  return states
}

/** `value` without what `pattern` matches at its start. */
export function trimPrefix(pattern: ShellPattern, value: string, longest: boolean): string {
  const chars = Array.from(value)
  const end = matchEnd(pattern, chars, 0, longest)
  return end < 0 ? value : chars.slice(end).join('')
}

/** `value` without what `pattern` matches at its end. */
export function trimSuffix(pattern: ShellPattern, value: string, longest: boolean): string {
  const chars = Array.from(value).reverse()
  const end = matchEnd([...pattern].reverse(), chars, 0, longest)
  return end < 0 ? value : chars.slice(end).reverse().join('')
}

/** `value` with the first (leftmost, longest) match replaced. */
export function replaceFirst(pattern: ShellPattern, value: string, replacement: string): string {
  const chars = Array.from(value)
  for (let at = 0; at <= chars.length; at++) {
    const end = matchEnd(pattern, chars, at, true)
    if (end >= 0) return chars.slice(0, at).join('') + replacement + chars.slice(end).join('')
  }
  return value
}

/**
 * `value` with all matches replaced; an empty match right behind another match does not count. As in BuildKit, where this is Go's
 * Regexp.ReplaceAllString, `$0` in the replacement is the match, `$$` a dollar and any other `$name` nothing.
 */
export function replaceAll(pattern: ShellPattern, value: string, replacement: string): string {
  const chars = Array.from(value)
  let out = ''
  let lastEnd = -1
  let at = 0
  while (at <= chars.length) {
    const end = matchEnd(pattern, chars, at, true)
    if (end >= 0 && !(end === at && at === lastEnd)) {
      out += template(replacement, chars.slice(at, end).join(''))
      lastEnd = end
      if (end > at) {
        at = end
        continue
      }
    }
    out += chars[at] ?? ''
    at++
  }
  return out
}

function template(replacement: string, match: string): string {
  return replacement.replace(
    /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu,
    (all, braced?: string, plain?: string) => {
      if (all === '$$') return '$'
      return (braced ?? plain) === '0' ? match : ''
    },
  )
}
