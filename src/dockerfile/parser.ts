/**
 * Text to nodes: the instructions of a Dockerfile with their flags, arguments, heredocs and places, not yet checked.
 * Reference: "Format" of docker/dockerfile:1. Errors are collected, so that all are reported at once.
 */
import { type SourceRange, WherryError, asWherryError, withRange } from '../core/errors.ts'
import { type Arguments, parseArguments } from './arguments.ts'
import { directiveReader } from './directives.ts'
import { type HeredocStart, heredocsOfLine } from './heredoc.ts'
import type { ParseWarning } from './instructions.ts'
import { type LineCursor, isComment, joinContinuations, lineCursor, withoutLineEnd } from './lines.ts'
import { syntaxError } from './syntax-error.ts'
import { trim, trimStart } from './text.ts'
import { splitLine } from './words.ts'

/** A heredoc with its body as written. */
export interface RawHeredoc extends HeredocStart {
  readonly body: string
}

/** An instruction, cut into its parts. */
export interface Node {
  /** Instruction name as written. */
  readonly name: string
  readonly flags: readonly string[]
  readonly arguments: Arguments
  readonly heredocs: readonly RawHeredoc[]
  /** The logical line. */
  readonly line: string
  readonly comments: readonly string[]
  readonly at: SourceRange
}

/** What `parseNodes` gives. Nodes whose line could not be parsed are missing, with an error in their stead. */
export interface ParsedNodes {
  readonly nodes: readonly Node[]
  readonly escape: '\\' | '`'
  readonly warnings: readonly ParseWarning[]
  readonly errors: readonly WherryError[]
}

interface State {
  readonly cursor: LineCursor
  readonly nodes: Node[]
  readonly warnings: ParseWarning[]
  readonly errors: WherryError[]
  escape: '\\' | '`'
}

/** Parses a Dockerfile into nodes; errors are returned, not thrown. `file` is the name in ranges. */
export function parseNodes(text: string, file: string): ParsedNodes {
  let cursor: LineCursor
  try {
    cursor = lineCursor(text, file)
  } catch (error) {
    return { nodes: [], escape: '\\', warnings: [], errors: [asWherryError(error)] }
  }
  const state: State = { cursor, nodes: [], warnings: [], errors: [], escape: '\\' }
  const directives = directiveReader()
  let comments: string[] = []
  for (let raw = cursor.next(); raw !== undefined; raw = cursor.next()) {
    const line = trimStart(withoutLineEnd(raw))
    const isDirective = attempt(state, cursor.line, () => takeDirective(state, directives.read(line)))
    if (isDirective) continue
    if (isComment(line)) {
      const comment = trim(line.slice(1))
      if (comment === '') comments = []
      else comments.push(comment)
    } else if (line !== '') {
      readInstruction(state, line, comments)
      comments = []
    }
  }
  if (state.nodes.length === 0 && state.errors.length === 0) state.errors.push(syntaxError('file with no instructions'))
  return state
}

function takeDirective(state: State, directive: { name: string; value: string } | undefined): boolean {
  if (directive?.name === 'escape') {
    if (directive.value !== '\\' && directive.value !== '`') {
      throw syntaxError(`invalid escape token '${directive.value}' does not match \` or \\`)
    }
    state.escape = directive.value
  }
  return directive !== undefined
}

/** Runs `work` and records its error at the lines from `startLine` to the current one. */
function attempt<T>(state: State, startLine: number, work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof WherryError)) throw error
    state.errors.push(withRange(error, state.cursor.range(startLine, state.cursor.line)))
    return undefined
  }
}

function readInstruction(state: State, first: string, comments: readonly string[]): void {
  const { cursor, escape } = state
  const startLine = cursor.line
  const { text, hasBlankLine } = joinContinuations(first, escape, cursor)
  if (hasBlankLine) {
    // At the last line of the instruction, as BuildKit has it.
    const at = cursor.range(cursor.line, cursor.line)
    state.warnings.push({ message: `Empty continuation line found in: ${text}`, at, rule: 'NoEmptyContinuation' })
  }
  const parts = attempt(state, startLine, () => splitLine(text, escape))
  if (parts === undefined) return
  const parsed = attempt(state, startLine, () => parseArguments(parts.name, parts.rest, escape))
  const bodies = attempt(state, startLine, () => readHeredocs(cursor, heredocStarts(parts.name, parsed, text)))
  if (parsed === undefined || bodies === undefined) return
  const at = cursor.range(startLine, cursor.line)
  const { name, flags } = parts
  state.nodes.push({ name, flags, arguments: parsed, heredocs: bodies, line: text, comments, at })
}

const withHeredocs: ReadonlySet<string> = new Set(['add', 'copy', 'run'])

function heredocStarts(name: string, parsed: Arguments | undefined, line: string): HeredocStart[] {
  const isOnbuild = name.toLowerCase() === 'onbuild'
  const effective = isOnbuild ? (parsed?.trigger?.name ?? '') : name
  const isJson = isOnbuild ? parsed?.trigger?.arguments.json : parsed?.json
  if (!withHeredocs.has(effective.toLowerCase()) || isJson === true || !line.includes('<<')) return []
  return heredocsOfLine(line)
}

function readHeredocs(cursor: LineCursor, starts: readonly HeredocStart[]): RawHeredoc[] {
  return starts.map((start) => {
    let body = ''
    for (let raw = cursor.next(); raw !== undefined; raw = cursor.next()) {
      const line = withoutLineEnd(raw)
      if ((start.chomp ? line.replace(/^\t+/, '') : line) === start.name) return { ...start, body }
      body += raw
    }
    throw syntaxError('unterminated heredoc', `End the heredoc with a line that is just ${start.name}.`)
  })
}
