/** The few constructs of Go regular expressions that ignore patterns turn into, as JavaScript ones or without backtracking. */
import { type Part, matchesFromStart } from './linear-match.ts'

const passed: ReadonlySet<string> = new Set(['d', 'D', 's', 'S', 'w', 'W', 'b', 'B'])
const controls: Readonly<Record<string, string>> = { a: '\\x07', f: '\\f', n: '\\n', r: '\\r', t: '\\t', v: '\\v' }

/** Says whether a text matches. */
export interface Matcher {
  test(text: string): boolean
}

/** With more runs of anything than this, JavaScript's backtracking could take forever. */
const maxRuns = 2

/**
 * A matcher for a Go expression made of `^`, literals, escapes, classes, `[^/]*`, `.*`, `(.*\/)?` groups and anchors.
 * Undefined for one that Go would refuse, or that uses what patterns never need (`\p`, `\x`, `\Q`).
 */
export function goRegexp(source: string): Matcher | undefined {
  const pieces = translate(Array.from(source))
  if (pieces === undefined) return undefined
  try {
    const runs = pieces.filter((piece) => runsOf[piece] !== undefined).length
    if (runs <= maxRuns) return new RegExp(pieces.join(''), 'u')
    const parts = pieces.filter((piece, i) => runsOf[piece] === undefined || piece !== pieces[i - 1]).map(partOf)
    return { test: (text) => matchesFromStart(parts, text) }
  } catch {
    return undefined
  }
}

const isLineOf = (char: string): boolean => char !== '\n'

/** The pieces that take any number of characters. */
const runsOf: Readonly<Record<string, Part>> = {
  '[^/]*': { kind: 'many', takes: (char) => char !== '/' },
  '[^\\n]*': { kind: 'many', takes: isLineOf },
  '([^\\n]*\\/)?': { kind: 'folders' },
}

/** A piece without a run as a part: either a character, or something between two. */
function partOf(piece: string): Part {
  const run = runsOf[piece]
  if (run !== undefined) return run
  if (piece === '^' || piece === '$' || piece === '\\b' || piece === '\\B') {
    const expression = new RegExp(piece, 'u')
    if (piece === '^') return { kind: 'between', holds: (before) => before === undefined }
    if (piece === '$') return { kind: 'between', holds: (_before, after) => after === undefined }
    const isWord = (char: string | undefined): boolean => char !== undefined && /^\w$/.test(char)
    const isEdge = expression.source === '\\b'
    return { kind: 'between', holds: (before, after) => (isWord(before) !== isWord(after)) === isEdge }
  }
  const expression = new RegExp(`^${piece}$`, 'u')
  const known = new Map<string, boolean>()
  return {
    kind: 'one',
    takes: (char) => {
      const answer = known.get(char) ?? expression.test(char)
      known.set(char, answer)
      return answer
    },
  }
}

/** The pieces of a Go expression in JavaScript's syntax. */
function translate(chars: readonly string[]): string[] | undefined {
  const pieces: string[] = []
  let at = 0
  while (at < chars.length) {
    const rest = chars.slice(at, at + 6).join('')
    const run = [['(.*/)?', '([^\\n]*\\/)?'] as const, ['[^/]*', '[^/]*'] as const, ['.*', '[^\\n]*'] as const].find(
      ([go]) => rest.startsWith(go),
    )
    if (run !== undefined) {
      pieces.push(run[1])
      at += run[0].length
      continue
    }
    const char = chars[at++]!
    if (char === '\\') {
      const escape = translateEscape(chars[at++])
      if (escape === undefined) return undefined
      pieces.push(escape)
    } else if (char === '[') {
      const found = translateClass(chars, at)
      if (found === undefined) return undefined
      // In Go `.` and a class behind `^` match a newline only if named: classes do, the dot does not, as here.
      pieces.push(found.text)
      at = found.end
    } else pieces.push(char === ']' || char === '/' ? `\\${char}` : char === '.' ? '[^\\n]' : char)
  }
  return pieces
}

function translateEscape(char: string | undefined): string | undefined {
  if (char === undefined) return undefined
  if (char === 'A') return '^'
  if (char === 'z') return '$'
  if (passed.has(char)) return `\\${char}`
  if (Object.hasOwn(controls, char)) return controls[char]
  return literalEscape(char)
}

/** An escaped punctuation mark is itself; escaped letters without a meaning, and characters that are not ASCII, are errors. */
function literalEscape(char: string): string | undefined {
  if (/[0-9A-Za-z]/.test(char) || char.codePointAt(0)! > 0x7f) return undefined
  return /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
}

function translateClass(chars: readonly string[], start: number): { text: string; end: number } | undefined {
  let at = start
  let out = '['
  if (chars[at] === '^') {
    out += '^'
    at++
  }
  const first = at
  while (at < chars.length && (chars[at] !== ']' || at === first)) {
    const low = classChar(chars, at)
    if (low === undefined) return undefined
    at = low.end
    out += low.text
    if (chars[at] === '-' && chars[at + 1] !== undefined && chars[at + 1] !== ']') {
      const high = classChar(chars, at + 1)
      if (high === undefined) return undefined
      out += `-${high.text}`
      at = high.end
    }
  }
  return at < chars.length ? { text: `${out}]`, end: at + 1 } : undefined
}

function classChar(chars: readonly string[], at: number): { text: string; end: number } | undefined {
  const char = chars[at]!
  if (char === '[' && chars[at + 1] === ':') return undefined
  if (char !== '\\') return { text: /[\\\]^[-]/.test(char) ? `\\${char}` : char, end: at + 1 }
  const next = chars[at + 1]
  if (next === '-') return { text: '\\-', end: at + 2 }
  const escape = next === 'b' || next === 'B' || next === 'A' || next === 'z' ? undefined : translateEscape(next)
  return escape === undefined ? undefined : { text: escape, end: at + 2 }
}
