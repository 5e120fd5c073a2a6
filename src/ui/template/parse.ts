/** Reads the templates of `--format`: Go's text/template, the parts that have a meaning for plain data; pure. */
import { WherryError } from '../../core/errors.ts'
import { type Token, tokensOf } from './tokens.ts'

/** What one word of a command stands for. */
export type Operand =
  | { readonly kind: 'value'; readonly value: string | number | boolean | null }
  /** `.A.B`: fields of the dot. `$x.A`: fields of a variable; `$` alone is what the template was given. */
  | { readonly kind: 'path'; readonly variable?: string; readonly fields: readonly string[] }
  /** `(pipeline).A` */
  | { readonly kind: 'group'; readonly pipeline: Pipeline; readonly fields: readonly string[] }
  | { readonly kind: 'function'; readonly name: string }

/** Commands, each given the result of the one before as its last argument. */
export interface Pipeline {
  readonly declares: readonly string[]
  /** `$x = …` sets a variable that there is; `$x := …` makes one. */
  readonly sets: boolean
  readonly commands: readonly (readonly Operand[])[]
}

/** A piece of a template. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with' | 'range'
      readonly pipeline: Pipeline
      readonly body: readonly Node[]
      readonly otherwise: readonly Node[]
    }
  | { readonly kind: 'break' | 'continue' }

interface Reader {
  readonly template: string
  readonly pieces: readonly Piece[]
  at: number
}

type Piece = { readonly text: string } | { readonly tokens: readonly Token[] }

const keywords = ['if', 'with', 'range', 'else', 'end', 'break', 'continue', 'define', 'template', 'block']

/**
 * Parses a template.
 * @throws WherryError `usage` for what is no template, and for `define`, `template` and `block`
 */
export function parseTemplate(template: string): readonly Node[] {
  const reader: Reader = { template, pieces: piecesOf(template), at: 0 }
  const nodes = readNodes(reader)
  if (reader.at < reader.pieces.length) throw badTemplate(template, `unexpected ${wordAt(reader)}`)
  return nodes
}

/** The error for a template that cannot be read or carried out. */
export function badTemplate(template: string, why: string): WherryError {
  return new WherryError('usage', `the format "${template}" is not possible: ${why}`, {
    hint: 'Write fields as {{.Name}} or {{json .Name}}, or use --format json.',
  })
}

/** Cuts the text at `{{` and `}}`; `{{-` and `-}}` take the white space beside them. */
function piecesOf(template: string): Piece[] {
  const pieces: Piece[] = []
  let trimNext = false
  for (let at = 0; at <= template.length; ) {
    const open = template.indexOf('{{', at)
    const text = template.slice(at, open < 0 ? undefined : open)
    const isTrimmed = open >= 0 && /^\{\{-\s/.test(template.slice(open, open + 4))
    const left = trimNext ? text.trimStart() : text
    const whole = isTrimmed ? left.trimEnd() : left
    if (whole !== '') pieces.push({ text: whole })
    if (open < 0) break
    const { tokens, end } = tokensOf(template, open + (isTrimmed ? 3 : 2), (why) => badTemplate(template, why))
    if (tokens.length > 0) pieces.push({ tokens })
    trimNext = /\s-$/.test(template.slice(open, end))
    at = end + 2
  }
  return pieces
}

/** Reads up to the end, `{{end}}` or `{{else}}`, which stay unread. */
function readNodes(reader: Reader): Node[] {
  const nodes: Node[] = []
  for (; reader.at < reader.pieces.length; ) {
    const piece = reader.pieces[reader.at]!
    if ('text' in piece) nodes.push({ kind: 'text', text: piece.text })
    else {
      const word = keywordOf(piece.tokens)
      if (word === 'end' || word === 'else') return nodes
      nodes.push(readAction(reader, piece.tokens, word))
    }
    reader.at++
  }
  return nodes
}

function keywordOf(tokens: readonly Token[]): string | undefined {
  const [first] = tokens
  return first?.kind === 'word' && keywords.includes(first.text) ? first.text : undefined
}

function readAction(reader: Reader, tokens: readonly Token[], word: string | undefined): Node {
  if (word === undefined) return { kind: 'print', pipeline: readPipeline(reader, tokens) }
  if (word === 'break' || word === 'continue') return { kind: word }
  if (word === 'if' || word === 'with' || word === 'range') return readBlock(reader, word, tokens.slice(1))
  throw badTemplate(reader.template, `{{${word}}} is not supported`)
}

/** Reads a block whose opening action is at the reader's place; leaves the reader at its `{{end}}`. */
function readBlock(reader: Reader, kind: 'if' | 'with' | 'range', tokens: readonly Token[]): Node {
  const pipeline = readPipeline(reader, tokens)
  reader.at++
  const body = readNodes(reader)
  const rest = tokensAt(reader)
  if (keywordOf(rest) === 'end') return { kind, pipeline, body, otherwise: [] }
  const chained = rest[1]
  if (chained?.kind === 'word' && (chained.text === 'if' || chained.text === 'with')) {
    return { kind, pipeline, body, otherwise: [readBlock(reader, chained.text, rest.slice(2))] }
  }
  reader.at++
  const otherwise = readNodes(reader)
  if (keywordOf(tokensAt(reader)) !== 'end') throw badTemplate(reader.template, '{{else}} stands twice')
  return { kind, pipeline, body, otherwise }
}

function tokensAt(reader: Reader): readonly Token[] {
  const piece = reader.pieces[reader.at]
  if (piece !== undefined && 'tokens' in piece) return piece.tokens
  throw badTemplate(reader.template, '{{end}} is missing')
}

function wordAt(reader: Reader): string {
  return `{{${keywordOf(tokensAt(reader)) ?? ''}}}`
}

function readPipeline(reader: Reader, tokens: readonly Token[]): Pipeline {
  const { template } = reader
  let rest = tokens
  const declares: string[] = []
  const assign = tokens.findIndex((t) => t.kind === 'mark' && (t.text === ':=' || t.text === '='))
  if (assign >= 0) {
    for (const token of tokens.slice(0, assign)) {
      if (token.kind === 'path' && token.variable !== undefined) declares.push(token.variable)
      else if (token.text !== ',') throw badTemplate(template, `"${token.text}" cannot be set`)
    }
    rest = tokens.slice(assign + 1)
  }
  const sets = assign >= 0 && tokens[assign]!.text === '='
  const { commands, used } = readCommands(rest, template)
  if (used < rest.length) throw badTemplate(template, `unexpected "${rest[used]!.text}"`)
  return { declares, sets, commands }
}

/** Reads commands up to the end or a closing bracket. */
function readCommands(tokens: readonly Token[], template: string): { commands: Operand[][]; used: number } {
  const commands: Operand[][] = [[]]
  let at = 0
  for (; at < tokens.length; at++) {
    const token = tokens[at]!
    if (token.text === ')' && token.kind === 'mark') break
    if (token.text === '|' && token.kind === 'mark') commands.push([])
    else if (token.text === '(' && token.kind === 'mark') {
      const inner = readCommands(tokens.slice(at + 1), template)
      at += inner.used + 1
      if (tokens[at]?.text !== ')') throw badTemplate(template, 'a bracket is not closed')
      const next = tokens[at + 1]
      // `(index . 0).Name`: fields of the result, when they follow without a space.
      const fields = next?.kind === 'path' && next.isGlued === true ? next.fields : []
      if (fields.length > 0) at++
      const pipeline = { declares: [], sets: false, commands: inner.commands }
      commands.at(-1)!.push({ kind: 'group', pipeline, fields })
    } else commands.at(-1)!.push(operandOf(token, template))
  }
  if (commands.some((command) => command.length === 0)) throw badTemplate(template, 'a command is missing')
  return { commands, used: at }
}

function operandOf(token: Token, template: string): Operand {
  if (token.kind === 'literal') return { kind: 'value', value: token.value }
  if (token.kind === 'path') return { kind: 'path', fields: token.fields, ...pick(token.variable) }
  if (token.kind === 'mark') throw badTemplate(template, `unexpected "${token.text}"`)
  if (token.text === 'true' || token.text === 'false') return { kind: 'value', value: token.text === 'true' }
  return token.text === 'nil' ? { kind: 'value', value: null } : { kind: 'function', name: token.text }
}

function pick(variable: string | undefined): { variable?: string } {
  return variable === undefined ? {} : { variable }
}
