/**
 * Bit-parallel matching of patterns made of `*`, `?` and characters: time is the text's length times a 32nd of the pattern's,
 * whatever the two are (shift-and; Baeza-Yates and Gonnet, "A new approach to text searching").
 */

/** One place of a pattern: a run of anything, one of anything, or one exact character. Neither of the first two takes a line's end. */
export type Token =
  | { readonly kind: 'run' }
  | { readonly kind: 'any' }
  | { readonly kind: 'char'; readonly char: string }

/** Which places of a pattern are reached; read on character by character. */
export interface Scanner {
  /** Starts a match here, beside those under way. */
  begin(): void
  /** Reads a character. */
  read(char: string): void
  /** True if a match ends here. */
  isMatch(): boolean
  /** True if nothing is under way. */
  isDead(): boolean
}

/** What a pattern is once looked through. State k: k tokens other than runs are matched. */
interface Table {
  /** 32-bit words per set of states. */
  readonly words: number
  readonly last: number
  /** States that a `*` holds. */
  readonly loops: Uint32Array
  /** States that any character leads to. */
  readonly any: Uint32Array
  /** By character, the states that it alone leads to. */
  readonly byChar: ReadonlyMap<string, readonly number[]>
  /** The same as sets, for characters that are frequent in the pattern. */
  readonly frequent: ReadonlyMap<string, Uint32Array>
}

/** A scanner over `tokens` with nothing begun. */
export function scannerOf(tokens: readonly Token[]): Scanner {
  const table = tableOf(tokens)
  let states = new Uint32Array(table.words)
  let next = new Uint32Array(table.words)
  return {
    begin() {
      states[0]! |= 1
    },
    read(char) {
      advance(table, states, next, char)
      ;[states, next] = [next, states]
    },
    isMatch: () => has(states, table.last),
    isDead: () => states.every((word) => word === 0),
  }
}

function tableOf(tokens: readonly Token[]): Table {
  const last = tokens.filter((token) => token.kind !== 'run').length
  const words = (last >> 5) + 1
  const loops = new Uint32Array(words)
  const any = new Uint32Array(words)
  const byChar = new Map<string, number[]>()
  let state = 0
  for (const token of tokens) {
    if (token.kind === 'run') add(loops, state)
    else if (token.kind === 'any') add(any, ++state)
    else {
      const known = byChar.get(token.char)
      if (known === undefined) byChar.set(token.char, [++state])
      else known.push(++state)
    }
  }
  const frequent = [...byChar]
    .filter(([, states]) => states.length > words)
    .map(([char, s]) => [char, setOf(s, words)] as const)
  return { words, last, loops, any, byChar, frequent: new Map(frequent) }
}

function advance(table: Table, from: Uint32Array, to: Uint32Array, char: string): void {
  const { words, loops, any } = table
  const isLineEnd = char === '\n'
  const set = table.frequent.get(char)
  let carry = 0
  for (let i = 0; i < words; i++) {
    const word = from[i]!
    const moved = (word << 1) | carry
    carry = word >>> 31
    const wild = isLineEnd ? 0 : (moved & any[i]!) | (word & loops[i]!)
    to[i] = wild | (set === undefined ? 0 : moved & set[i]!)
  }
  if (set !== undefined) return
  for (const state of table.byChar.get(char) ?? []) if (has(from, state - 1)) add(to, state)
}

function has(set: Uint32Array, state: number): boolean {
  return (set[state >> 5]! & (1 << (state & 31))) !== 0
}

function add(set: Uint32Array, state: number): void {
  set[state >> 5]! |= 1 << (state & 31)
}

function setOf(states: readonly number[], words: number): Uint32Array {
  const set = new Uint32Array(words)
  for (const state of states) add(set, state)
  return set
}
