/** Cuts an instruction's line into its name, flags and arguments, and arguments into words. */
import { isSpace, splitOnce, trim } from './text.ts'

/** An instruction's line, cut. */
export interface SplitLine {
  readonly name: string
  /** `--x=y` words with quotes and escapes resolved. */
  readonly flags: readonly string[]
  /** What follows, white space at its ends removed. */
  readonly rest: string
}

/** Splits a logical line into instruction name, leading flags and the rest. `--` alone ends the flags. */
export function splitLine(line: string, escape: string): SplitLine {
  const [name, behind] = splitOnce(trim(line))
  if (behind === undefined) return { name, flags: [], rest: '' }
  const { flags, rest } = takeFlags(behind, escape)
  return { name, flags, rest: trim(rest) }
}

function takeFlags(text: string, escape: string): { flags: string[]; rest: string } {
  const flags: string[] = []
  let at = 0
  for (;;) {
    while (at < text.length && isSpace(text.charAt(at))) at++
    if (!text.startsWith('--', at)) return { flags, rest: text.slice(at) }
    const { word, end } = unquotedWord(text, at, escape)
    at = end
    if (word === '--') return { flags, rest: text.slice(at) }
    flags.push(word)
  }
}

/** Reads the word at `start`: quotes are removed, an escaped character stands for itself, even between single quotes. */
function unquotedWord(text: string, start: number, escape: string): { word: string; end: number } {
  let word = ''
  let quote = ''
  let at = start
  for (; at < text.length; at++) {
    let char = text.charAt(at)
    if (quote === '' && isSpace(char)) break
    if (char === quote) {
      quote = ''
      continue
    }
    if (quote === '' && (char === '"' || char === "'")) {
      quote = char
      continue
    }
    if (char === escape) {
      at++
      char = text.charAt(at)
    }
    word += char
  }
  return { word, end: at }
}

/**
 * Splits at white space outside quotes. Quotes and escape characters stay in the words: word expansion removes them
 * later. An escape character at the very end is dropped.
 */
export function quotedWords(text: string, escape: string): string[] {
  const words: string[] = []
  let word = ''
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (quote === '' && isSpace(char)) {
      if (word !== '') words.push(word)
      word = ''
      continue
    }
    if (char === escape && quote !== "'") {
      if (at + 1 < text.length) word += char + text.charAt(++at)
      continue
    }
    if (quote === '') quote = char === '"' || char === "'" ? char : ''
    else if (char === quote) quote = ''
    word += char
  }
  if (word !== '') words.push(word)
  return words
}
