/** The functions of `--format` templates: Go's own and the ones that docker adds; pure. */
import { isJsonObject } from '../../core/json.ts'

type Refuse = (why: string) => Error

/** Calls a function by name. What it throws for a name that is none, and for arguments that make no sense, is made by `refuse`. */
export function callFunction(name: string, args: readonly unknown[], refuse: Refuse): unknown {
  const known = functions[name]
  if (known === undefined) throw refuse(`there is no function "${name}"`)
  const [min, max, work] = known
  if (args.length < min || args.length > max) throw refuse(`${name} does not take ${args.length} arguments`)
  return work(args, refuse)
}

type TemplateFunction = readonly [min: number, max: number, work: (args: readonly unknown[], refuse: Refuse) => unknown]

const functions: Readonly<Record<string, TemplateFunction>> = {
  json: [1, 1, ([value]) => JSON.stringify(value ?? null)],
  split: [2, 2, ([text, separator]) => textOf(text).split(textOf(separator))],
  join: [2, 2, ([list, separator]) => joined(list, textOf(separator))],
  title: [1, 1, ([text]) => textOf(text).replace(/(^|[^\p{L}\p{N}'])\p{L}/gu, (match) => match.toUpperCase())],
  lower: [1, 1, ([text]) => textOf(text).toLowerCase()],
  upper: [1, 1, ([text]) => textOf(text).toUpperCase()],
  pad: [3, 3, ([text, before, after]) => padded(textOf(text), Number(before), Number(after))],
  truncate: [2, 2, ([text, length]) => textOf(text).slice(0, Number(length))],
  print: [0, Infinity, (args) => spaced(args)],
  println: [0, Infinity, (args) => `${args.map(textOf).join(' ')}\n`],
  printf: [1, Infinity, ([format, ...rest]) => printed(textOf(format), rest)],
  html: [1, 1, ([text]) => textOf(text).replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`)],
  len: [1, 1, ([value], refuse) => lengthOf(value, refuse)],
  index: [1, Infinity, ([value, ...keys], refuse) => keys.reduce((at, key) => indexed(at, key, refuse), value)],
  slice: [1, 3, ([value, from, to], refuse) => sliced(value, from, to, refuse)],
  not: [1, 1, ([value]) => !isTrue(value)],
  eq: [2, Infinity, ([a, ...others]) => others.some((b) => a === b)],
  ne: [2, 2, ([a, b]) => a !== b],
  lt: [2, 2, ([a, b], refuse) => compared(a, b, refuse) < 0],
  le: [2, 2, ([a, b], refuse) => compared(a, b, refuse) <= 0],
  gt: [2, 2, ([a, b], refuse) => compared(a, b, refuse) > 0],
  ge: [2, 2, ([a, b], refuse) => compared(a, b, refuse) >= 0],
}

/** A value as Go prints it: lists in brackets, maps with `map[`, what is not there as `<no value>`. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '<no value>'
  if (Array.isArray(value)) return `[${value.map(textOf).join(' ')}]`
  if (isJsonObject(value)) {
    const keys = Object.keys(value).sort()
    return `map[${keys.map((key) => `${key}:${textOf(value[key])}`).join(' ')}]`
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}

/** Go's truth: nothing, zero and what is empty are false. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (isJsonObject(value)) return Object.keys(value).length > 0
  return Boolean(value)
}

function joined(list: unknown, separator: string): string {
  if (list === undefined || list === null) return ''
  if (Array.isArray(list)) return list.map(textOf).join(separator)
  return isJsonObject(list) ? Object.values(list).map(textOf).sort().join(separator) : textOf(list)
}

function padded(text: string, before: number, after: number): string {
  return text === '' ? text : `${' '.repeat(before)}${text}${' '.repeat(after)}`
}

/** Spaces only between two values of which neither is a string, as Go's Sprint has it. */
function spaced(args: readonly unknown[]): string {
  return args
    .map((arg, i) => {
      const isBetween = i > 0 && typeof arg !== 'string' && typeof args[i - 1] !== 'string'
      return `${isBetween ? ' ' : ''}${textOf(arg)}`
    })
    .join('')
}

function printed(format: string, args: readonly unknown[]): string {
  let next = 0
  return format.replace(/%-?0?\d*(?:\.\d+)?[a-zA-Z%]/g, (directive) => {
    const parts = /^%(-?)(0?)(\d*)(?:\.(\d+))?(.)$/.exec(directive) ?? []
    const [, left = '', zero = '', width = '', digits, verb = ''] = parts
    if (verb === '%') return '%'
    if (next >= args.length) return `%!${verb}(MISSING)`
    const shown = formatted(args[next++], verb, digits)
    if (shown === undefined) return directive
    if (left !== '') return shown.padEnd(Number(width))
    return shown.padStart(Number(width), zero === '' ? ' ' : '0')
  })
}

function formatted(value: unknown, verb: string, digits: string | undefined): string | undefined {
  switch (verb) {
    case 's':
      return digits === undefined ? textOf(value) : textOf(value).slice(0, Number(digits))
    case 'v':
    case 't':
      return textOf(value)
    case 'd':
      return String(Math.trunc(Number(value)))
    case 'f':
      return Number(value).toFixed(Number(digits ?? 6))
    case 'q':
      return JSON.stringify(textOf(value))
    case 'x':
      return typeof value === 'number' ? value.toString(16) : Buffer.from(textOf(value)).toString('hex')
    default:
      return undefined
  }
}

function lengthOf(value: unknown, refuse: Refuse): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Array.isArray(value)) return value.length
  if (isJsonObject(value)) return Object.keys(value).length
  throw refuse('len needs text, a list or a map')
}

function indexed(value: unknown, key: unknown, refuse: Refuse): unknown {
  if (Array.isArray(value)) {
    const at = Number(key)
    if (Number.isInteger(at) && at >= 0 && at < value.length) return value[at]
    throw refuse(`index ${textOf(key)} is out of range`)
  }
  if (isJsonObject(value)) return value[textOf(key)]
  throw refuse('index needs a list or a map')
}

function sliced(value: unknown, from: unknown, to: unknown, refuse: Refuse): unknown {
  if (typeof value !== 'string' && !Array.isArray(value)) throw refuse('slice needs text or a list')
  return value.slice(Number(from ?? 0), to === undefined ? undefined : Number(to))
}

function compared(a: unknown, b: unknown, refuse: Refuse): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  throw refuse('only two numbers or two texts can be compared')
}
