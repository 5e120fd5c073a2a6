/** Wildcards of COPY and ADD sources and of ignore files: Go's filepath.Match on Linux. */
import type { BytePath } from '../core/bytepath.ts'
import { WherryError } from '../core/errors.ts'
import { distinctRunes } from './go-path.ts'

/** A character class: `[a-z]`, or `[^a-z]` if negated. Both ends of each range are included. */
interface ClassToken {
  readonly kind: 'class'
  readonly negated: boolean
  readonly ranges: readonly (readonly [number, number])[]
}

type Token =
  | { readonly kind: 'run' }
  | { readonly kind: 'any' }
  | { readonly kind: 'char'; readonly char: string }
  | ClassToken

const compiled = new Map<string, readonly Token[]>()

/**
 * True if `pattern` matches all of `name`. `*` and `?` never match `/`; `[a-z]`, `[^a-z]` and backslash escapes work on whole
 * UTF-8 characters. Both are byte paths.
 * @throws WherryError `dockerfile-invalid` for a malformed pattern, whatever the name
 */
export function goMatch(pattern: BytePath, name: BytePath): boolean {
  let tokens = compiled.get(pattern)
  if (tokens === undefined) {
    tokens = compile(pattern)
    if (compiled.size > 1000) compiled.clear()
    compiled.set(pattern, tokens)
  }
  return matches(tokens, distinctRunes(name))
}

/** Walks along the name, going back to the last `*` on a mismatch: no recursion, quadratic at worst. */
function matches(tokens: readonly Token[], name: readonly string[]): boolean {
  let token = 0
  let at = 0
  let retryToken = -1
  let retryAt = 0
  while (at < name.length) {
    const current = tokens[token]
    if (current?.kind === 'run') {
      retryToken = token++
      retryAt = at
    } else if (current !== undefined && matchesOne(current, name[at]!)) {
      token++
      at++
    } else if (retryToken >= 0 && name[retryAt] !== '/') {
      token = retryToken + 1
      at = ++retryAt
    } else return false
  }
  while (tokens[token]?.kind === 'run') token++
  return token === tokens.length
}

function matchesOne(token: Exclude<Token, { kind: 'run' }>, char: string): boolean {
  switch (token.kind) {
    case 'any':
      return char !== '/'
    case 'char':
      return char === token.char
    case 'class': {
      const code = codeOf(char)
      return token.ranges.some(([low, high]) => low <= code && code <= high) !== token.negated
    }
  }
}

const invalidRune = 0xfffd

/** In a class every byte that is not UTF-8 counts as U+FFFD. */
function codeOf(char: string): number {
  const code = char.codePointAt(0)!
  return code >= 0xdc80 && code <= 0xdcff ? invalidRune : code
}

function compile(pattern: BytePath): Token[] {
  const chars = distinctRunes(pattern)
  const tokens: Token[] = []
  let at = 0
  while (at < chars.length) {
    const char = chars[at++]!
    if (char === '*') tokens.push({ kind: 'run' })
    else if (char === '?') tokens.push({ kind: 'any' })
    else if (char === '[') {
      const parsed = compileClass(chars, at, pattern)
      tokens.push(parsed.token)
      at = parsed.end
    } else if (char === '\\') {
      const next = chars[at++]
      if (next === undefined) throw badPattern(pattern)
      tokens.push({ kind: 'char', char: next })
    } else tokens.push({ kind: 'char', char })
  }
  return tokens
}

function compileClass(chars: readonly string[], start: number, pattern: BytePath): { token: ClassToken; end: number } {
  const negated = chars[start] === '^'
  let at = negated ? start + 1 : start
  const ranges: [number, number][] = []
  const one = (): number => {
    let char = chars[at++]
    if (char === '-' || char === ']') throw badPattern(pattern)
    if (char === '\\') char = chars[at++]
    if (char === undefined || codeOf(char) === invalidRune) throw badPattern(pattern)
    return codeOf(char)
  }
  while (chars[at] !== ']' || ranges.length === 0) {
    const low = one()
    if (chars[at] !== '-') ranges.push([low, low])
    else {
      at++
      ranges.push([low, one()])
    }
    // Go wants something behind every range, if only the bracket.
    if (at >= chars.length) throw badPattern(pattern)
  }
  return { token: { kind: 'class', negated, ranges }, end: at + 1 }
}

function badPattern(pattern: BytePath): WherryError {
  const text = Buffer.from(pattern, 'latin1').toString('utf8')
  return new WherryError('dockerfile-invalid', `syntax error in pattern: ${text}`, {
    hint: 'Close every bracket; write \\ before a character that is meant literally.',
  })
}
