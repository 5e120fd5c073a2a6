/** The few constructs of Go regular expressions that ignore patterns turn into, as JavaScript ones. */

const passed: ReadonlySet<string> = new Set(['d', 'D', 's', 'S', 'w', 'W', 'b', 'B'])
const controls: Readonly<Record<string, string>> = { a: '\\x07', f: '\\f', n: '\\n', r: '\\r', t: '\\t', v: '\\v' }

/**
 * Translates a Go expression made of literals, escapes, classes, `(.*\/)?` groups and anchors.
 * Undefined for one that Go would refuse, or that uses what patterns never need (`\p`, `\x`, `\Q`).
 */
export function goRegexp(source: string): RegExp | undefined {
  const chars = Array.from(source)
  let out = ''
  let at = 0
  while (at < chars.length) {
    const char = chars[at++]!
    if (char === '\\') {
      const escape = translateEscape(chars[at++])
      if (escape === undefined) return undefined
      out += escape
    } else if (char === '[') {
      const found = translateClass(chars, at)
      if (found === undefined) return undefined
      out += found.text
      at = found.end
      // In Go `.` and a class behind `^` match a newline only if named: classes do, the dot does not, as here.
    } else out += char === ']' ? '\\]' : char === '.' ? '[^\\n]' : char
  }
  try {
    return new RegExp(out, 'u')
  } catch {
    return undefined
  }
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
