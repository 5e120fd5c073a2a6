/**
 * Patterns of `${v#p}`, `${v%p}` and `${v/p/r}`: `?`, `*` and backslash escapes, no brackets.
 * POSIX shell 2.14 without bracket expressions, as docker/dockerfile:1 has it. Matching is polynomial.
 */
import { type Token, scannerOf } from './glob-scan.ts'
import { maxExpanded, syntaxError, tooLong } from './syntax-error.ts'

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
    if (char === '*') {
      if (tokens.at(-1)?.kind !== 'run') tokens.push({ kind: 'run' })
    } else if (char === '?') tokens.push({ kind: 'any' })
    else if (char === '\\') tokens.push({ kind: 'char', char: escaped(chars[++at], text) })
    else tokens.push({ kind: 'char', char })
  }
  return tokens
}

function escaped(char: string | undefined, pattern: string): string {
  if (char !== undefined && '*?\\/}'.includes(char)) return char
  throw syntaxError(`invalid pattern (${pattern}) in substitution: invalid escape '\\${char ?? ''}'`)
}

/** Where a match that begins at `start` ends, the shortest or the longest; -1 if there is none. */
function matchEnd(pattern: ShellPattern, value: readonly string[], start: number, longest: boolean): number {
  const scanner = scannerOf(pattern)
  scanner.begin()
  let end = -1
  for (let at = start; ; at++) {
    if (scanner.isMatch()) {
      end = at
      if (!longest) return end
    }
    const char = value[at]
    if (char === undefined || scanner.isDead()) return end
    scanner.read(char)
  }
}

/** Where matches can begin: at index i if `begins[i]` is 1. Found from behind, for all places at once. */
function matchBegins(pattern: ShellPattern, value: readonly string[]): Uint8Array {
  const begins = new Uint8Array(value.length + 1)
  const scanner = scannerOf([...pattern].reverse())
  for (let at = value.length; ; at--) {
    scanner.begin()
    if (scanner.isMatch()) begins[at] = 1
    if (at === 0) return begins
    scanner.read(value[at - 1]!)
  }
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
  const at = matchBegins(pattern, chars).indexOf(1)
  if (at < 0) return value
  return chars.slice(0, at).join('') + replacement + chars.slice(matchEnd(pattern, chars, at, true)).join('')
}

/**
 * `value` with all matches replaced; an empty match right behind another match does not count. As in BuildKit, where this is Go's
 * Regexp.ReplaceAllString, `$0` in the replacement is the match, `$$` a dollar and any other `$name` nothing.
 * @throws WherryError `dockerfile-syntax` for a result that is too long
 */
export function replaceAll(pattern: ShellPattern, value: string, replacement: string): string {
  const chars = Array.from(value)
  const begins = matchBegins(pattern, chars)
  const hasTemplate = replacement.includes('$')
  let out = ''
  let lastEnd = -1
  let at = 0
  while (at <= chars.length) {
    const end = begins[at] === 1 ? matchEnd(pattern, chars, at, true) : -1
    if (end >= 0 && !(end === at && at === lastEnd)) {
      out += hasTemplate ? template(replacement, chars.slice(at, end).join('')) : replacement
      if (out.length > maxExpanded) throw tooLong()
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
