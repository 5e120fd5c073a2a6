/**
 * Parser directives: `# syntax=…`, `# escape=…` and `# check=…` in the first comment lines of a Dockerfile.
 * Reference: "Parser directives" of docker/dockerfile:1; names are case-insensitive, the first line that is
 * no known directive ends them, a repeated one is an error.
 */
import { parseJsonObject } from '../core/json.ts'
import { syntaxError } from './syntax-error.ts'
import { cut, trimEndOf, trimStart } from './text.ts'

const known: ReadonlySet<string> = new Set(['syntax', 'escape', 'check'])

/** One directive and the line that it stands on, from 1. */
export interface Directive {
  readonly name: string
  readonly value: string
  readonly line: number
}

/** Reads a Dockerfile's first lines one by one. */
export interface DirectiveReader {
  /** The directive on this line, or undefined, and from then on always undefined. @throws WherryError `dockerfile-syntax` */
  read(line: string): Directive | undefined
}

/** A reader for directives behind `comment`; `skippedLines` come before its first line. */
export function directiveReader(comment = '#', skippedLines = 0): DirectiveReader {
  const seen = new Set<string>()
  let done = false
  let line = skippedLines
  return {
    read(text) {
      line++
      if (done) return undefined
      const parts = text.startsWith(comment) ? splitDirective(trimStart(text.slice(comment.length))) : undefined
      const name = parts?.name.toLowerCase()
      if (parts === undefined || name === undefined || !known.has(name)) {
        done = true
        return undefined
      }
      if (seen.has(name)) throw syntaxError(`only one ${name} parser directive can be used`)
      seen.add(name)
      return { name, value: parts.value, line }
    },
  }
}

/** `name = value`, blanks around either dropped; a value of blanks alone is one blank. */
function splitDirective(text: string): { name: string; value: string } | undefined {
  const match = /^([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=/.exec(text)
  if (match === null) return undefined
  const isBlank = (char: string): boolean => '\t\n\f\r '.includes(char)
  const behind = text.slice(match[0].length)
  let start = 0
  while (start < behind.length - 1 && isBlank(behind.charAt(start))) start++
  const value = trimEndOf(behind.slice(start), isBlank) || behind.slice(start)
  return value === '' || value.includes('\n') ? undefined : { name: match[1]!, value }
}

/** A directive found ahead of parsing. `name` is the first word of `value`: the image of a `syntax` directive. */
export interface FoundDirective {
  readonly name: string
  readonly value: string
  readonly line: number
}

function findBehind(comment: string, text: string, key: string, skippedLines: number): FoundDirective | undefined {
  const reader = directiveReader(comment, skippedLines)
  for (const line of text.split('\n')) {
    const directive = reader.read(line.replace(/\r$/, ''))
    if (directive === undefined) return undefined
    if (directive.name === key) {
      return { name: cut(directive.value, ' ')[0], value: directive.value, line: directive.line }
    }
  }
  return undefined
}

/** Runs `find` and takes a repeated directive as the end of the directives. */
function tolerant<T>(find: () => T): T | undefined {
  try {
    return find()
  } catch {
    return undefined
  }
}

/**
 * Finds `# key=value` among the directives of a file that need not be a Dockerfile; a `#!` line before them is skipped.
 * Undefined if there is none.
 */
export function findDirective(text: string, key: 'syntax' | 'check'): FoundDirective | undefined {
  const { body, skipped } = withoutShebang(text)
  return tolerant(() => findBehind('#', body, key, skipped))
}

/**
 * The frontend that a build definition names, in any of the forms that BuildKit detects: `# syntax=`, `// syntax=`, or a JSON
 * object with a `syntax` field. Undefined if there is none.
 */
export function findSyntax(text: string): FoundDirective | undefined {
  const { body, skipped } = withoutShebang(text)
  const inComment = findDirective(text, 'syntax') ?? tolerant(() => findBehind('//', body, 'syntax', skipped))
  if (inComment !== undefined || !trimStart(body).startsWith('{')) return inComment
  const value = tolerant(() => parseJsonObject(body, 'build definition').syntax)
  return typeof value === 'string' ? { name: value, value, line: skipped } : undefined
}

function withoutShebang(text: string): { body: string; skipped: number } {
  const plain = text.startsWith('\ufeff') ? text.slice(1) : text
  if (!plain.startsWith('#!')) return { body: plain, skipped: 0 }
  return { body: cut(plain, '\n')[1] ?? '', skipped: 1 }
}
