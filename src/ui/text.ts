/** Text on a terminal: its width, cutting it to fit, and output of strangers made harmless. */
import { stripVTControlCharacters } from 'node:util'

const zeroWidth = /^[\p{Mark}\p{Cf}]$/u
const wide =
  /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]$/u
const emoji = /^\p{Emoji_Presentation}$/u

function charWidth(char: string): number {
  if (char >= ' ' && char <= '~') return 1
  if (zeroWidth.test(char)) return 0
  return wide.test(char) || emoji.test(char) ? 2 : 1
}

/** How many columns a text without control characters takes. */
export function displayWidth(text: string): number {
  let width = 0
  for (const char of text) width += charWidth(char)
  return width
}

/** The text cut to `columns`, with an ellipsis where it was cut. */
export function fitWidth(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text
  let width = 0
  let out = ''
  for (const char of text) {
    width += charWidth(char)
    if (width > columns - 1) break
    out += char
  }
  return columns < 1 ? '' : `${out}…`
}

/** A line without escape sequences and control characters, tabs as spaces: safe to place anywhere on a screen. */
export function plainLine(line: string): string {
  return stripVTControlCharacters(line)
    .replace(/\t/g, '    ')
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, '')
}

/** What a terminal would show of a line that returns its carriage: the text after the last `\r` that has any. */
export function afterReturns(line: string): string {
  const parts = line.split('\r')
  return parts.findLast((part) => part !== '') ?? ''
}

/** Several words on one line. */
export function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim()
}
