/** What counts as white space and how text is split, as the reference implementation (written in Go) has it. */

/** Go's unicode.IsSpace: unlike JavaScript's `\s` it has U+0085 and not U+FEFF. */
const space = '\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000'
const oneSpace = new RegExp(`^[${space}]$`)

/** True for a character that Go's unicode.IsSpace calls white space. */
export function isSpace(char: string): boolean {
  const code = char.charCodeAt(0)
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d)
  return oneSpace.test(char)
}

/** `text` without white space at its start. */
export function trimStart(text: string): string {
  let start = 0
  while (start < text.length && isSpace(text.charAt(start))) start++
  return text.slice(start)
}

/** `text` without white space at both ends. */
export function trim(text: string): string {
  return trimEndOf(trimStart(text), isSpace)
}

/** `text` without the characters at its end that `drops` is true for. An expression (`\s+$`) takes quadratic time for this. */
export function trimEndOf(text: string, drops: (char: string) => boolean): string {
  let end = text.length
  while (end > 0 && drops(text.charAt(end - 1))) end--
  return text.slice(0, end)
}

/** Splits once at the first run of blanks; the second part is undefined if there is none. */
export function splitOnce(text: string): readonly [string, string?] {
  const match = /[\t\v\f\r ]+/.exec(text)
  return match ? [text.slice(0, match.index), text.slice(match.index + match[0].length)] : [text]
}

/** Splits at every run of blanks; blanks at an end give an empty word there. */
export function splitBlanks(text: string): string[] {
  return text.split(/[\t\v\f\r ]+/)
}

/** Cuts at the first `separator`; the second part is undefined if there is none. */
export function cut(text: string, separator: string): readonly [string, string?] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)]
}
