/** Path functions with the exact meaning of Go's `path/filepath` on Linux, which ignore files and COPY patterns are defined by. */
import type { BytePath } from '../core/bytepath.ts'

/** filepath.Clean: shortest equivalent path; '' is `.`, leading `..` stay in relative paths. */
export function goClean(path: BytePath): BytePath {
  const rooted = path.startsWith('/')
  const out: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') out.push(part)
    else if (out.length > 0 && out.at(-1) !== '..') out.pop()
    else if (!rooted) out.push('..')
  }
  const joined = out.join('/')
  return rooted ? `/${joined}` : joined || '.'
}

/** filepath.Dir: all but the last element, cleaned. */
export function goDir(path: BytePath): BytePath {
  return goClean(path.slice(0, path.lastIndexOf('/') + 1))
}

/** A byte path as text with one U+FFFD for each byte that is not UTF-8, as Go's regular expressions see it. */
export function goRunes(path: BytePath): string {
  return decode(path, () => '\ufffd')
}

/** A byte path's characters, where each byte that is not UTF-8 is a lone surrogate of its own (U+DC80 to U+DCFF). */
export function distinctRunes(path: BytePath): string[] {
  return Array.from(decode(path, (byte) => String.fromCharCode(0xdc00 + byte)))
}

function decode(path: BytePath, invalid: (byte: number) => string): string {
  if (isAscii(path)) return path
  const bytes = Buffer.from(path, 'latin1')
  const text = bytes.toString('utf8')
  return text.includes('\ufffd') ? decodeByteByByte(bytes, invalid) : text
}

/** True if every code unit is below 0x80. */
function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

/** Node replaces a truncated sequence once, Go each of its bytes. */
function decodeByteByByte(bytes: Buffer, invalid: (byte: number) => string): string {
  let out = ''
  for (let at = 0; at < bytes.length; ) {
    const rune = runeAt(bytes, at)
    out += rune?.text ?? invalid(bytes[at]!)
    at += rune?.width ?? 1
  }
  return out
}

function runeAt(bytes: Buffer, at: number): { text: string; width: number } | undefined {
  const lead = bytes[at]!
  const width = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  const piece = bytes.subarray(at, at + width)
  const text = piece.toString('utf8')
  // A sequence that decodes to U+FFFD is valid only if it is U+FFFD's own.
  const valid = text !== '' && Buffer.from(text, 'utf8').equals(piece)
  return valid && Array.from(text).length === 1 ? { text, width } : undefined
}
