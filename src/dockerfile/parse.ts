/** The entry of the front end: the text of a Dockerfile to its stages. */
import { type SourceRange, WherryError, WherryErrors, withRange } from '../core/errors.ts'
import { findDirective, findSyntax } from './directives.ts'
import type {
  ArgInstruction,
  Dockerfile,
  FromInstruction,
  Instruction,
  Stage,
  StageInstruction,
} from './instructions.ts'
import { type Node, type ParsedNodes, parseNodes } from './parser.ts'
import { syntaxError } from './syntax-error.ts'
import { typeNode } from './typed.ts'

/**
 * Parses a Dockerfile. `file` is the name that errors and ranges show.
 * @throws WherryErrors of all `dockerfile-syntax` errors at once, in the order of the text, each with its place
 */
export function parseDockerfile(text: string, options: { readonly file: string }): Dockerfile {
  const { dockerfile, error } = readDockerfile(text, options)
  if (dockerfile === undefined) throw error!
  return dockerfile
}

/** What could be read of a Dockerfile. */
export interface Reading {
  /** Those that are right, in the order of the text. */
  readonly instructions: readonly Instruction[]
  /** Where instructions end that have blank lines inside. */
  readonly emptyContinuations: readonly SourceRange[]
  /** The whole; undefined if there is an error. */
  readonly dockerfile?: Dockerfile
  readonly error?: WherryError
}

/**
 * Reads a Dockerfile as far as it is right.
 * @throws WherryError `dockerfile-syntax` if it is none at all, but a definition for another frontend
 */
export function readDockerfile(text: string, options: { readonly file: string }): Reading {
  checkFrontend(text, options.file)
  const parsed = parseNodes(text, options.file)
  const errors = [...parsed.errors]
  const instructions: Instruction[] = []
  for (const node of parsed.nodes) {
    const instruction = attempt(errors, node)
    if (instruction !== undefined) instructions.push(instruction)
  }
  const { globalArgs, stages } = group(instructions, errors, options.file)
  const emptyContinuations = parsed.warnings.filter((w) => w.rule === 'NoEmptyContinuation').map((w) => w.at)
  const error = allAsOne(errors)
  if (error !== undefined) return { instructions, emptyContinuations, error }
  const dockerfile: Dockerfile = {
    globalArgs,
    stages,
    escape: parsed.escape,
    directives: directivesOf(text, parsed.escape),
    warnings: [...parsed.warnings, ...parsed.nodes.flatMap(flagWarning), ...instructions.flatMap(triggerWarning)],
  }
  return { instructions, emptyContinuations, dockerfile }
}

/**
 * Parses one instruction that is no FROM: an ONBUILD trigger from an image's config, which may hold heredocs.
 * Everything in it gets the place `at`, that of the FROM that brought it.
 * @throws WherryError `dockerfile-syntax`
 */
export function parseInstruction(text: string, at: SourceRange): StageInstruction {
  const parsed = parseNodes(text, at.file)
  const [problem] = parsed.errors
  if (problem !== undefined)
    throw syntaxError(`onbuild trigger ${JSON.stringify(text)}: ${problem.message}`, problem.hint, at)
  const [node, more] = parsed.nodes
  if (node === undefined || more !== undefined) {
    throw syntaxError(`onbuild trigger should be a single expression: ${text}`, undefined, at)
  }
  const instruction = placed(node, at)
  if (instruction.kind === 'FROM') throw syntaxError("FROM isn't allowed as an ONBUILD trigger", undefined, at)
  return instruction
}

function placed(node: Node, at: SourceRange): Instruction {
  try {
    return typeNode({ ...node, at })
  } catch (error) {
    throw withRange(error, at)
  }
}

function attempt(errors: WherryError[], node: Node): Instruction | undefined {
  try {
    return typeNode(node)
  } catch (error) {
    if (!(error instanceof WherryError)) throw error
    errors.push(withRange(error, node.at))
    return undefined
  }
}

function allAsOne(errors: readonly WherryError[]): WherryError | undefined {
  const [first, ...rest] = [...errors].sort((a, b) => (a.at?.startLine ?? 0) - (b.at?.startLine ?? 0))
  if (first === undefined || rest.length === 0) return first
  return new WherryErrors([first, ...rest])
}

interface OpenStage {
  readonly from: FromInstruction
  readonly instructions: StageInstruction[]
}

/** Sorts instructions into stages; adds an error for the first one that stands before any FROM, or if there is no FROM at all. */
function group(
  instructions: readonly Instruction[],
  errors: WherryError[],
  file: string,
): { globalArgs: ArgInstruction[]; stages: Stage[] } {
  const globalArgs: ArgInstruction[] = []
  const stages: OpenStage[] = []
  let stray: StageInstruction | undefined
  for (const instruction of instructions) {
    const stage = stages.at(-1)
    if (instruction.kind === 'FROM') stages.push({ from: instruction, instructions: [] })
    else if (stage !== undefined) stage.instructions.push(instruction)
    else if (instruction.kind === 'ARG') globalArgs.push(instruction)
    else stray ??= instruction
  }
  const hint = 'A Dockerfile begins with FROM; only ARG may stand before it.'
  if (stray !== undefined) errors.push(syntaxError('no build stage in current context', hint, stray.at))
  else if (stages.length === 0 && errors.length === 0) {
    errors.push(syntaxError('dockerfile contains no stages to build', hint, { file, startLine: 1, endLine: 1 }))
  }
  return { globalArgs, stages: stages.map((stage, index) => ({ index, ...stage })) }
}

/** A definition for another frontend (`// syntax=` or JSON) would fail at its first line without saying why. */
function checkFrontend(text: string, file: string): void {
  const syntax = findSyntax(text)
  if (syntax === undefined || findDirective(text, 'syntax') !== undefined) return
  const at = { file, startLine: Math.max(syntax.line, 1), endLine: Math.max(syntax.line, 1) }
  throw syntaxError(
    `the file is no Dockerfile: it is written for the frontend ${syntax.name}`,
    'Convert it to a Dockerfile; other frontends cannot be run.',
    at,
  )
}

function directivesOf(text: string, escape: ParsedNodes['escape']): Record<string, string> {
  const syntax = findDirective(text, 'syntax')?.value
  const check = findDirective(text, 'check')?.value
  return {
    ...(syntax === undefined ? {} : { syntax }),
    ...(escape === '\\' ? {} : { escape }),
    ...(check === undefined ? {} : { check }),
  }
}

/** Instructions whose flags BuildKit neither knows nor refuses. */
function flagWarning(node: Node): Dockerfile['warnings'] {
  const name = node.name.toUpperCase()
  const isNone = name === 'HEALTHCHECK' && node.arguments.args[0]?.toUpperCase() === 'NONE'
  if (node.flags.length === 0 || !(name === 'ARG' || name === 'STOPSIGNAL' || isNone)) return []
  const what = isNone ? 'HEALTHCHECK NONE' : name
  return [{ message: `${what} takes no flags: ${node.flags.join(' ')} has no effect`, at: node.at }]
}

/** A trigger is run in other images' builds: what is wrong with it is told here, where it can be mended, but is no error yet. */
function triggerWarning(instruction: Instruction): Dockerfile['warnings'] {
  if (instruction.kind !== 'ONBUILD') return []
  try {
    parseInstruction(instruction.trigger, instruction.at)
    return []
  } catch (error) {
    const { message } = error as WherryError
    return [{ message: `this trigger will fail every build on this image: ${message}`, at: instruction.at }]
  }
}
