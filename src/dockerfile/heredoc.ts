/** Heredocs of RUN, COPY and ADD: which words open one, and how their bodies are read. Reference: "Here-Documents" of docker/dockerfile:1. */
import { expandWords } from './expand.ts'

/** The opening of a heredoc, `<<-"EOF"` for instance. */
export interface HeredocStart {
  readonly name: string
  /** False if part of the delimiter was quoted. */
  readonly expand: boolean
  /** `<<-`. */
  readonly chomp: boolean
  readonly fd: number
}

const opening = /^(\d*)<<(-?)[\t\n\f\r ]*/

const unset = (): undefined => undefined

/**
 * The heredoc that a word opens, or undefined if it opens none.
 * @throws WherryError `dockerfile-syntax` if the delimiter has an unclosed quote
 */
export function parseHeredocStart(word: string): HeredocStart | undefined {
  const match = opening.exec(word)
  if (match === null) return undefined
  const delimiter = word.slice(match[0].length)
  if (delimiter === '' || delimiter.includes('<')) return undefined
  const [name, more] = expandWords(delimiter, unset, { escape: '\\', keepUnset: true })
  if (name === undefined || more !== undefined) return undefined
  const [raw = ''] = expandWords(delimiter, unset, { escape: '\\', keepUnset: true, keepQuotes: true })
  return { name, expand: quotes(raw) === quotes(name), chomp: match[2] === '-', fd: Number(match[1] ?? 0) }
}

function quotes(text: string): number {
  return text.split(/['"]/).length - 1
}

/** As `parseHeredocStart`, but a malformed delimiter counts as no heredoc. */
export function heredocOfWord(word: string): HeredocStart | undefined {
  if (!word.includes('<<')) return undefined
  try {
    return parseHeredocStart(word)
  } catch {
    // An argument that merely looks like a heredoc is an ordinary word; BuildKit does the same.
    return undefined
  }
}

/**
 * All heredocs that an instruction's line opens, in order.
 * @throws WherryError `dockerfile-syntax`
 */
export function heredocsOfLine(line: string): HeredocStart[] {
  let words: string[]
  try {
    words = expandWords(line, unset, { escape: '\\', keepQuotes: true, keepEscapes: true, keepUnset: true })
  } catch {
    // The line is the shell's to judge (`echo "a` is its error, not the Dockerfile's); it opens no heredoc that we could read.
    return []
  }
  return words.map(parseHeredocStart).filter((start) => start !== undefined)
}

/** A `<<-` body without leading tabs. */
export function chompTabs(body: string): string {
  return body.replace(/(^|\n)\t+/g, '$1')
}
