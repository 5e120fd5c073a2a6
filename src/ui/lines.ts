/** Turns chunks of text into whole lines, per source. */
import { afterReturns } from './text.ts'

/** Collects chunks; see `lineBuffer`. */
export interface LineBuffer {
  /** Adds a chunk of a source (a step's stream) and returns the lines that it completed. */
  push(source: string, text: string): string[]
  /** The rest of a source that had no newline, as a line; forgets the source. */
  flush(source: string): string[]
}

/** No line is held in memory beyond this many characters: output without newlines is broken there. */
const longest = 64 * 1024

/** A buffer for any number of sources. A line overwritten with carriage returns counts as what was written last. */
export function lineBuffer(): LineBuffer {
  const rests = new Map<string, string>()
  return {
    push(source, text) {
      const parts = ((rests.get(source) ?? '') + text).split('\n')
      const rest = parts.pop()!
      rests.set(source, rest.length > longest ? '' : rest)
      if (rest.length > longest) parts.push(rest)
      return parts.map((part) => afterReturns(part))
    },
    flush(source) {
      const rest = rests.get(source) ?? ''
      rests.delete(source)
      return rest === '' ? [] : [afterReturns(rest)]
    },
  }
}
