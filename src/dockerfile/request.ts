/** What the typed parsers of the single instructions share: one instruction's parts and the checks on their number. */
import type { Common, Command, KeyValue } from './instructions.ts'
import { type FlagTable, type Flags, parseFlags } from './flags.ts'
import type { Node } from './parser.ts'
import { syntaxError } from './syntax-error.ts'
import { trim } from './text.ts'

/** One instruction to be checked and typed. */
export interface Request {
  /** Upper case. */
  readonly name: string
  readonly node: Node
  readonly args: readonly string[]
  readonly json: boolean
  readonly common: Common
}

/** The request for a node. */
export function requestOf(node: Node): Request {
  const { args, json } = node.arguments
  const common: Common = { at: node.at, text: trim(node.line), keyword: node.name, comments: node.comments }
  return { name: node.name.toUpperCase(), node, args, json, common }
}

/**
 * The instruction's flags, checked against those that it knows.
 * @throws WherryError `dockerfile-syntax`
 */
export function flagsOf(request: Request, table: FlagTable = {}): Flags {
  return parseFlags(request.node.flags, request.name, table)
}

/**
 * The only argument. @throws WherryError `dockerfile-syntax` if there is not exactly one
 */
export function onlyArgument(request: Request): string {
  const [argument, more] = request.args
  if (argument !== undefined && more === undefined) return argument
  throw syntaxError(`${request.name} requires exactly one argument`)
}

/**
 * All arguments. @throws WherryError `dockerfile-syntax` if there is none
 */
export function someArguments(request: Request): readonly string[] {
  if (request.args.length > 0) return request.args
  throw syntaxError(`${request.name} requires at least one argument`)
}

/** Shell or exec form. */
export function commandOf(args: readonly string[], json: boolean): Command {
  return json ? { form: 'exec', args } : { form: 'shell', text: args.join(' ') }
}

/**
 * The pairs of ENV or LABEL. @throws WherryError `dockerfile-syntax` for none, or a blank name
 */
export function pairsOf(request: Request): KeyValue[] {
  const args = someArguments(request)
  const pairs: KeyValue[] = []
  for (let i = 0; i + 1 < args.length; i += 3) {
    pairs.push({ key: args[i]!, value: args[i + 1]!, ...(args[i + 2] === '' ? { legacy: true } : {}) })
  }
  if (pairs.some((pair) => pair.key === '')) throw syntaxError(`${request.name} names can not be blank`)
  return pairs
}
