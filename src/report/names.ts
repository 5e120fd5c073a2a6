/** Names and instructions of strangers as text that is safe to show: what cannot be seen, or would reorder what stands beside it, is escaped. */
import { type BytePath, toBytes } from '../core/bytepath.ts'

const invisible =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu

/** A path or name for people: UTF-8 where it is that, `\xff` for other bytes, `\n` and `\u202e` for what cannot be seen. */
export function shownName(path: BytePath): string {
  if (/^[\x20-\x7e]*$/.test(path)) return path
  const bytes = toBytes(path)
  const text = bytes.toString('utf8')
  return shownText(text.includes('\ufffd') ? mixed(bytes) : text)
}

/** Text for people, on one line. */
export function shownText(text: string): string {
  return text.replace(invisible, (char) => {
    const code = char.codePointAt(0)!
    if (char === '\n') return '\\n'
    if (char === '\t') return '\\t'
    return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`
  })
}

/** An instruction on one line, line breaks and blanks beside each other as one blank. */
export function shownInstruction(text: string): string {
  return shownText(text.replace(/\\\n/g, ' ').replace(/\s+/g, ' ').trim())
}

/** Bytes that are UTF-8 in part. */
function mixed(bytes: Buffer): string {
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at)
    text += length === 0 ? `\\x${hex(bytes[at]!, 2)}` : bytes.toString('utf8', at, at + length)
    at += Math.max(1, length)
  }
  return text
}

/** Bytes of the character that begins here, 0 if none does. */
function sequenceLength(bytes: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++) {
    // A whole character takes as many bytes as were read.
    const text = bytes.toString('utf8', at, at + length)
    if (!text.includes('\ufffd')) return length
  }
  return 0
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}
