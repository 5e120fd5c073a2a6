/** Fills templates of `--format` from plain data, as Go's text/template does; pure. */
import { isJsonObject } from '../../core/json.ts'
import { callFunction, isTrue, textOf } from './functions.ts'
import { type Node, type Operand, type Pipeline, badTemplate } from './parse.ts'

interface Run {
  readonly template: string
  /** Variables by name, inner ones last. */
  readonly variables: { readonly name: string; value: unknown }[]
  readonly out: string[]
}

/** What a loop is told by what it contains. */
type Flow = 'on' | 'break' | 'continue'

/**
 * The text that a template makes of an object.
 * @throws WherryError `usage` for functions that do not exist and arguments that make no sense
 */
export function fillTemplate(nodes: readonly Node[], object: unknown, template: string): string {
  const run: Run = { template, variables: [{ name: '', value: object }], out: [] }
  runNodes(nodes, object, run)
  return run.out.join('')
}

function runNodes(nodes: readonly Node[], dot: unknown, run: Run): Flow {
  const depth = run.variables.length
  for (const node of nodes) {
    const flow = runNode(node, dot, run)
    if (flow === 'on') continue
    run.variables.length = depth
    return flow
  }
  run.variables.length = depth
  return 'on'
}

function runNode(node: Node, dot: unknown, run: Run): Flow {
  switch (node.kind) {
    case 'text':
      run.out.push(node.text)
      return 'on'
    case 'break':
    case 'continue':
      return node.kind
    case 'print': {
      const value = evaluate(node.pipeline, dot, run)
      if (node.pipeline.declares.length > 0) declare(node.pipeline, [value], run)
      else run.out.push(textOf(value))
      return 'on'
    }
    case 'range':
      return runRange(node, dot, run)
    case 'if':
    case 'with':
      return runChoice(node, dot, run)
  }
}

type Block = Extract<Node, { readonly body: readonly Node[] }>

function runChoice({ kind, pipeline, body, otherwise }: Block, dot: unknown, run: Run): Flow {
  const depth = run.variables.length
  const value = evaluate(pipeline, dot, run)
  declare(pipeline, [value], run)
  const flow = isTrue(value) ? runNodes(body, kind === 'with' ? value : dot, run) : runNodes(otherwise, dot, run)
  run.variables.length = depth
  return flow
}

function runRange({ pipeline, body, otherwise }: Block, dot: unknown, run: Run): Flow {
  const depth = run.variables.length
  const items = itemsOf(evaluate(pipeline, dot, run))
  if (items === undefined) throw badTemplate(run.template, 'range needs a list or a map')
  if (items.length === 0) return runNodes(otherwise, dot, run)
  for (const [key, value] of items) {
    declare(pipeline, pipeline.declares.length > 1 ? [key, value] : [value], run)
    const flow = runNodes(body, value, run)
    run.variables.length = depth
    if (flow === 'break') break
  }
  return 'on'
}

/** Keys and values, maps in the order of their keys. */
function itemsOf(value: unknown): (readonly [unknown, unknown])[] | undefined {
  if (Array.isArray(value)) return value.map((item: unknown, i) => [i, item] as const)
  if (value === null || value === undefined) return []
  if (typeof value === 'number') return Array.from({ length: value }, (_, i) => [i, i] as const)
  if (!isJsonObject(value)) return undefined
  return Object.keys(value)
    .sort()
    .map((key) => [key, value[key]] as const)
}

function declare({ declares, sets }: Pipeline, values: readonly unknown[], run: Run): void {
  declares.forEach((name, i) => {
    const known = sets ? run.variables.findLast((v) => v.name === name) : undefined
    if (known) known.value = values[i]
    else run.variables.push({ name, value: values[i] })
  })
}

function evaluate(pipeline: Pipeline, dot: unknown, run: Run): unknown {
  let piped: readonly unknown[] = []
  for (const command of pipeline.commands) piped = [evaluateCommand(command, piped, { dot, run })]
  return piped[0]
}

interface Place {
  readonly dot: unknown
  readonly run: Run
}

function evaluateCommand(command: readonly Operand[], piped: readonly unknown[], place: Place): unknown {
  const [first, ...rest] = command as [Operand, ...Operand[]]
  const { template } = place.run
  if (first.kind !== 'function') {
    if (rest.length + piped.length > 0) throw badTemplate(template, 'a value that is no function has arguments')
    return valueOf(first, place)
  }
  // `and` and `or` stop where the answer is known, so that `and .A .A.B` is safe.
  if (first.name === 'and' || first.name === 'or') {
    const all = [...rest.map((operand) => () => valueOf(operand, place)), ...piped.map((value) => () => value)]
    let value: unknown
    for (const next of all) {
      value = next()
      if (isTrue(value) === (first.name === 'or')) break
    }
    return value
  }
  const args = [...rest.map((operand) => valueOf(operand, place)), ...piped]
  return callFunction(first.name, args, (why) => badTemplate(template, why))
}

function valueOf(operand: Operand, place: Place): unknown {
  switch (operand.kind) {
    case 'value':
      return operand.value
    case 'function':
      return evaluateCommand([operand], [], place)
    case 'group':
      return fieldsOf(evaluate(operand.pipeline, place.dot, place.run), operand.fields)
    case 'path': {
      if (operand.variable === undefined) return fieldsOf(place.dot, operand.fields)
      const found = place.run.variables.findLast((v) => v.name === operand.variable)
      if (found === undefined) throw badTemplate(place.run.template, `$${operand.variable} is not defined`)
      return fieldsOf(found.value, operand.fields)
    }
  }
}

function fieldsOf(value: unknown, fields: readonly string[]): unknown {
  return fields.reduce<unknown>((at, key) => (isJsonObject(at) ? at[key] : undefined), value)
}
