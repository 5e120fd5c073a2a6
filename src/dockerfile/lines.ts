/** The physical lines of a Dockerfile and the logical lines that continuations make of them. */
import type { SourceRange } from '../core/errors.ts'
import { syntaxError } from './syntax-error.ts'
import { trimEndOf, trimStart } from './text.ts'

const maxLineBytes = 65_535
const maxFileBytes = 16 * 1024 * 1024

/** Walks over a file's physical lines. */
export interface LineCursor {
  /** The next line with its line ending, or undefined at the end of the file. */
  next(): string | undefined
  /** Number of the line that `next` gave last; 0 before the first. */
  readonly line: number
  /** The place of these lines. */
  range(startLine: number, endLine: number): SourceRange
}

/**
 * A cursor over a file's lines. A byte order mark is dropped.
 * @throws WherryError `dockerfile-syntax` for a file over 16 MiB or a line over 65,535 bytes
 */
export function lineCursor(text: string, file: string): LineCursor {
  if (Buffer.byteLength(text) > maxFileBytes) throw syntaxError('the Dockerfile is larger than 16 MiB')
  const lines = (text.startsWith('\ufeff') ? text.slice(1) : text).match(/[^\n]*\n|[^\n]+/g) ?? []
  let line = 0
  const range = (startLine: number, endLine: number): SourceRange => ({
    file,
    startLine,
    endLine,
    excerpt: lines.slice(startLine - 1, endLine).map(withoutLineEnd),
  })
  lines.forEach((content, index) => {
    // No line of so few characters can be too long in bytes.
    if (content.length * 3 <= maxLineBytes) return
    if (Buffer.byteLength(content.endsWith('\n') ? content.slice(0, -1) : content) <= maxLineBytes) return
    const at = { file, startLine: index + 1, endLine: index + 1 }
    throw syntaxError(`dockerfile line greater than max allowed size of ${maxLineBytes}`, undefined, at)
  })
  return {
    next() {
      const content = lines[line]
      if (content !== undefined) line++
      return content
    },
    get line() {
      return line
    },
    range,
  }
}

/** A line without its line ending. */
export function withoutLineEnd(line: string): string {
  return trimEndOf(line, (char) => char === '\n' || char === '\r')
}

/** True if the line is a comment, indented or not. */
export function isComment(line: string): boolean {
  return trimStart(line).startsWith('#')
}

/** A line cut before its continuation character; undefined if it has none. */
export function beforeContinuation(line: string, escape: string): string | undefined {
  const end = trimEndOf(line, (char) => char === ' ' || char === '\t')
  // Two escape characters are an escaped one, which continues nothing.
  return end.endsWith(escape) && !end.endsWith(escape + escape) ? end.slice(0, -1) : undefined
}

/** A continued instruction as one line. */
export interface LogicalLine {
  readonly text: string
  /** True if blank lines stood inside it. */
  readonly hasBlankLine: boolean
}

/** Joins `first` and the lines that it continues on; comments and blank lines between them are dropped. */
export function joinContinuations(first: string, escape: string, cursor: LineCursor): LogicalLine {
  let hasBlankLine = false
  let text = ''
  let piece = first
  for (;;) {
    const cutPiece = beforeContinuation(piece, escape)
    text += cutPiece ?? piece
    if (cutPiece === undefined) return { text, hasBlankLine }
    let next = cursor.next()
    for (; next !== undefined && (isComment(next) || trimStart(next) === ''); next = cursor.next()) {
      if (!isComment(next)) hasBlankLine = true
    }
    if (next === undefined) return { text, hasBlankLine }
    piece = withoutLineEnd(next)
  }
}
