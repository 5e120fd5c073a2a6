/**
 * Word expansion: variables, quotes and escapes in an instruction's arguments.
 * Reference: "Environment replacement" of docker/dockerfile:1, which is a subset of POSIX shell 2.6.2.
 */
import { asWherryError } from '../core/errors.ts'
import {
  type ShellPattern,
  compileShellPattern,
  replaceAll,
  replaceFirst,
  trimPrefix,
  trimSuffix,
} from './shell-pattern.ts'
import { maxExpanded, syntaxError, tooLong } from './syntax-error.ts'
import { isSpace } from './text.ts'

/** Looks up a variable; undefined if it is not set. */
export type Lookup = (name: string) => string | undefined

/** How to read a word. Everything but `escape` is off for ordinary arguments. */
export interface ExpandOptions {
  /** The Dockerfile's escape character. */
  readonly escape: string
  /** Leave quotes where they are (they still quote). */
  readonly keepQuotes?: boolean
  /** Leave escape characters where they are (they still escape). */
  readonly keepEscapes?: boolean
  /** Quotes mean nothing and stay: heredoc bodies. */
  readonly plainQuotes?: boolean
  /** Leave references to variables that are not set. */
  readonly keepUnset?: boolean
}

/** An expanded word. */
export interface Expanded {
  readonly value: string
  /** Names that were looked up and are set; in the order of first use. */
  readonly matched: readonly string[]
  /** Names that were looked up and are not set, even if a default took their place. */
  readonly unmatched: readonly string[]
}

/**
 * Expands one word: quotes and escapes are removed, white space stays.
 * @throws WherryError `dockerfile-syntax` for bad substitutions, unclosed quotes and `${v?message}` without a value
 */
export function expandWord(word: string, env: Lookup, options: ExpandOptions): Expanded {
  const lexer = new Lexer(word, env, options)
  const value = lexer.run()
  return { value, matched: [...lexer.matched], unmatched: [...lexer.unmatched] }
}

/**
 * Expands and then splits at white space that was not quoted (a value's own white space splits too).
 * @throws WherryError `dockerfile-syntax`
 */
export function expandWords(word: string, env: Lookup, options: ExpandOptions): string[] {
  const words = wordCollector()
  new Lexer(word, env, options).run(words)
  return words.done()
}

/**
 * Expands a heredoc body: variables only, quotes are ordinary characters, the escape character is always a backslash.
 * @throws WherryError `dockerfile-syntax`
 */
export function expandHeredoc(body: string, env: Lookup): Expanded {
  return expandWord(body, env, { escape: '\\', plainQuotes: true })
}

/** How deep `${…}` may stand in each other. */
const maxDepth = 500

/** A position in a word; every method reads on from it. */
class Lexer {
  readonly matched = new Set<string>()
  readonly unmatched = new Set<string>()
  readonly #source: string
  readonly #chars: readonly string[]
  readonly #env: Lookup
  readonly #options: ExpandOptions
  #at = 0
  #depth = 0
  #keepEscapes: boolean

  constructor(source: string, env: Lookup, options: ExpandOptions) {
    this.#source = source
    this.#chars = Array.from(source)
    this.#env = env
    this.#options = options
    this.#keepEscapes = options.keepEscapes ?? false
  }

  /** Reads all of it; `words` gets the words. */
  run(words?: WordCollector): string {
    try {
      return this.#until(undefined, words)
    } catch (error) {
      const { message } = asWherryError(error)
      throw syntaxError(`failed to process ${JSON.stringify(shortened(this.#source))}: ${message}`)
    }
  }

  #peek(): string | undefined {
    return this.#chars[this.#at]
  }

  #next(): string | undefined {
    return this.#chars[this.#at++]
  }

  /** Reads up to `stop`, which is taken too, or to the end if it is undefined. */
  #until(stop: string | undefined, words?: WordCollector): string {
    let value = ''
    for (;;) {
      const char = this.#peek()
      if (char === undefined) break
      if (char === stop) {
        this.#at++
        return value
      }
      const part = this.#part(char)
      value += part.text
      if (value.length > maxExpanded) throw tooLong()
      words?.add(part.text, part.splits)
    }
    if (stop !== undefined) throw syntaxError(`unexpected end of statement while looking for matching ${stop}`)
    return value
  }

  /** Reads one quoted string, reference, escape or character. `splits`: white space in it parts words. */
  #part(char: string): { text: string; splits: boolean } {
    if (char === '$') return { text: this.#reference(), splits: true }
    if (char === '<') return { text: this.#redirection(), splits: false }
    if (!this.#options.plainQuotes && char === "'") return { text: this.#singleQuoted(), splits: false }
    if (!this.#options.plainQuotes && char === '"') return { text: this.#doubleQuoted(), splits: false }
    this.#at++
    if (char !== this.#options.escape) return { text: char, splits: true }
    return { text: (this.#keepEscapes ? char : '') + (this.#next() ?? ''), splits: false }
  }

  #singleQuoted(): string {
    const end = this.#chars.indexOf("'", this.#at + 1)
    if (end < 0) {
      this.#at = this.#chars.length
      throw syntaxError('unexpected end of statement while looking for matching single-quote')
    }
    const keep = this.#options.keepQuotes ? 0 : 1
    const text = this.#chars.slice(this.#at + keep, end + 1 - keep).join('')
    this.#at = end + 1
    return text
  }

  #doubleQuoted(): string {
    const mark = this.#options.keepQuotes ? '"' : ''
    this.#at++
    let text = mark
    for (;;) {
      const char = this.#peek()
      if (char === undefined) throw syntaxError('unexpected end of statement while looking for matching double-quote')
      if (char === '$') {
        text += this.#reference()
        if (text.length > maxExpanded) throw tooLong()
        continue
      }
      this.#at++
      if (char === '"') return text + mark
      text += char === this.#options.escape ? this.#escapeInQuotes(char) : char
    }
  }

  /** Between double quotes the escape character escapes only `"`, `$` and itself. */
  #escapeInQuotes(escape: string): string {
    const next = this.#peek()
    const kept = this.#keepEscapes ? escape : ''
    if (next === undefined) return kept
    if (next !== '"' && next !== '$' && next !== escape) return kept + escape
    this.#at++
    return kept + next
  }

  /** `<<` and the blanks behind it are one piece, so that `<< EOF` stays one word. */
  #redirection(): string {
    this.#at++
    if (this.#peek() !== '<') return '<'
    this.#at++
    let text = '<<'
    while (this.#peek() === ' ' || this.#peek() === '\t' || this.#peek() === '\r') text += this.#next() ?? ''
    return text
  }

  #reference(): string {
    this.#at++
    if (this.#peek() !== '{') {
      const name = this.#name()
      if (name === '') return '$'
      return this.#lookup(name) ?? (this.#options.keepUnset ? `$${name}` : '')
    }
    this.#at++
    const first = this.#peek()
    if (first === undefined) throw syntaxError("syntax error: missing '}'")
    if (first === '{' || first === '}' || first === ':') throw syntaxError('syntax error: bad substitution')
    return this.#braced(this.#name())
  }

  /** What follows the name in `${name…}`. */
  #braced(name: string): string {
    const char = this.#next() ?? '\ufffd'
    switch (char) {
      case '}':
        return this.#lookup(name) ?? (this.#options.keepUnset ? `\${${name}}` : '')
      case ':':
        return this.#modified(name, this.#next() ?? '', true)
      case '+':
      case '-':
      case '?':
      case '#':
      case '%':
        return this.#modified(name, char, false)
      case '/':
        return this.#replaced(name)
      default:
        throw unsupported(char)
    }
  }

  #modified(name: string, modifier: string, emptyIsUnset: boolean): string {
    const written = (emptyIsUnset ? ':' : '') + modifier
    const isPattern = modifier === '#' || modifier === '%'
    if (isPattern && emptyIsUnset) throw unsupported(written)
    const word = this.#operand('}', isPattern)
    const value = this.#lookup(name)
    if (value === undefined && this.#options.keepUnset) return `\${${name}${written}${word}}`
    const isSet = value !== undefined && !(emptyIsUnset && value === '')
    switch (modifier) {
      case '-':
        return isSet ? value : word
      case '+':
        return isSet ? word : ''
      case '?':
        if (isSet) return value
        throw syntaxError(`${name}: ${word || `is not allowed to be ${value === undefined ? 'unset' : 'empty'}`}`)
      case '#':
      case '%':
        return trimmed(modifier, word, value ?? '')
      default:
        throw unsupported(written)
    }
  }

  #replaced(name: string): string {
    const all = this.#peek() === '/'
    if (all) this.#at++
    const pattern = this.#operand('/', true)
    const replacement = this.#operand('}', true)
    const value = this.#lookup(name)
    if (value === undefined && this.#options.keepUnset) return `\${${name}/${pattern}/${replacement}}`
    const compiled: ShellPattern = compileShellPattern(pattern)
    return (all ? replaceAll : replaceFirst)(compiled, value ?? '', replacement)
  }

  /** An operand inside braces, itself expanded. Patterns keep their escapes. */
  #operand(stop: '}' | '/', keepEscapes: boolean): string {
    const before = this.#keepEscapes
    this.#keepEscapes = keepEscapes
    this.#depth++
    try {
      if (this.#depth > maxDepth) throw syntaxError(`\${} stands in itself more than ${maxDepth} times`)
      return this.#until(stop)
    } catch (error) {
      throw this.#peek() === undefined
        ? syntaxError(`syntax error: missing '${stop}'${stop === '/' ? ' in ${}' : ''}`)
        : error
    } finally {
      this.#keepEscapes = before
      this.#depth--
    }
  }

  /** A name, a run of digits or one special parameter; '' if none stands here. */
  #name(): string {
    const rest = this.#chars
    const start = this.#at
    const first = this.#peek()
    if (first === undefined) return ''
    if (/^[@*#?\-$!]$/.test(first)) return this.#next() ?? ''
    const inName = /^\p{Nd}$/u.test(first) ? /^\p{Nd}$/u : /^[\p{L}\p{Nd}_]$/u
    while (this.#at < rest.length && inName.test(rest[this.#at] ?? '')) this.#at++
    return rest.slice(start, this.#at).join('')
  }

  #lookup(name: string): string | undefined {
    const value = this.#env(name)
    ;(value === undefined ? this.unmatched : this.matched).add(name)
    return value
  }
}

function trimmed(modifier: '#' | '%', word: string, value: string): string {
  const longest = word.startsWith(modifier)
  const pattern = compileShellPattern(longest ? word.slice(1) : word)
  return (modifier === '#' ? trimPrefix : trimSuffix)(pattern, value, longest)
}

function unsupported(modifier: string): Error {
  return syntaxError(`unsupported modifier (${modifier}) in substitution`)
}

interface WordCollector {
  add(this: void, text: string, splits: boolean): void
  done(this: void): string[]
}

/** A text in an error message. */
function shortened(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400)}…` : text
}

/** Collects words: white space parts them where it may. */
function wordCollector(): WordCollector {
  const words: string[] = []
  let word = ''
  const flush = (): void => {
    if (word !== '') words.push(word)
    word = ''
  }
  return {
    add(text, splits) {
      if (!splits) {
        word += text
        return
      }
      for (const char of text) {
        if (isSpace(char)) flush()
        else word += char
      }
    },
    done() {
      flush()
      return words
    },
  }
}
