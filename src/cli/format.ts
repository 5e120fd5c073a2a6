/** `--format` and `--json` of the commands that list things: docker's forms `table`, `table TEMPLATE`, `json` and `TEMPLATE`. */
import { WherryError } from '../core/errors.ts'
import { formatTable } from '../ui/table.ts'
import { fillTemplate } from '../ui/template/evaluate.ts'
import { type Node, parseTemplate } from '../ui/template/parse.ts'
import type { OptionTable } from './command.ts'

/** The options of every command that prints a table. */
export const formatOptions = {
  format: {
    kind: 'string',
    value: 'FORMAT',
    help: '"json", "table", or a Go template such as "{{.ID}}" or "table {{.ID}}\\t{{.Size}}"',
  },
  json: { kind: 'boolean', help: 'The same as --format json: one object a line' },
} as const satisfies OptionTable

/** The form that the options ask for; undefined for the command's own table. */
export function askedFormat(options: {
  readonly format: string | undefined
  readonly json: boolean
}): string | undefined {
  if (options.json) return 'json'
  return options.format === 'table' || options.format === '' ? undefined : options.format
}

/**
 * Renders objects: `json` gives one line of JSON each, `table TEMPLATE` a table, any other template one line each. With `headings`
 * the fields of all rows are known: their names in a table's heading, and other fields are refused.
 * @throws WherryError `usage` for templates that are none
 */
export function formatObjects(
  objects: readonly object[],
  format: string,
  headings?: Readonly<Record<string, string>>,
): string {
  if (format === 'json') {
    // docker sorts the fields of rows.
    const keys = headings && Object.keys(headings).sort()
    return objects.map((object) => `${JSON.stringify(object, keys)}\n`).join('')
  }
  const isTable = /^table\s/.test(format)
  const template = (isTable ? format.replace(/^table\s+/, '') : format).replaceAll('\\t', '\t').replaceAll('\\n', '\n')
  const nodes = parseTemplate(template)
  const fields = fieldsIn(nodes)
  const unknown = headings && fields.find((field) => !(field in headings))
  if (unknown !== undefined) {
    const known = Object.keys(headings ?? {}).sort()
    throw new WherryError('usage', `the format "${format}" has the field ${unknown}, which there is not`, {
      hint: `There are ${known.map((field) => `{{.${field}}}`).join(', ')}.`,
    })
  }
  const lines = objects.map((object) => fillTemplate(nodes, object, template))
  if (!isTable) return lines.map((line) => `${line}\n`).join('')
  const names = Object.fromEntries(fields.map((field) => [field, headings?.[field] ?? headingOf(field)]))
  return formatTable([heading(nodes, names, template), ...lines].map((row) => row.split('\t')))
}

/** The template filled with the names of its fields; what a function would make of a name is left out. */
function heading(nodes: readonly Node[], names: Readonly<Record<string, string>>, template: string): string {
  const plain = nodes.map((node): Node => {
    if (node.kind !== 'print') return node
    const [first] = fieldsIn([node])
    return { kind: 'text', text: first === undefined ? '' : (names[first] ?? '') }
  })
  return fillTemplate(plain, names, template)
}

/** Fields of the object itself, where the dot is it: not within `range` and `with`. */
function fieldsIn(nodes: readonly Node[]): string[] {
  return nodes.flatMap((node) => {
    if (!('pipeline' in node)) return []
    const operands = node.pipeline.commands.flat()
    const own = operands.flatMap((o) => (o.kind === 'path' && o.variable === undefined ? o.fields.slice(0, 1) : []))
    if (node.kind === 'print') return own
    return [...own, ...(node.kind === 'if' ? [...fieldsIn(node.body), ...fieldsIn(node.otherwise)] : [])]
  })
}

/** `CreatedSince` is `CREATED SINCE`, `ID` stays. */
function headingOf(field: string): string {
  return field.replace(/([a-z])([A-Z])/g, '$1 $2').toUpperCase()
}

/** Rows as the command's own table, or in the form that was asked for. @throws WherryError `usage` */
export function formatRows<Row extends object>(
  rows: readonly Row[],
  look: {
    readonly format: string | undefined
    /** The heading of each field that a row has. */
    readonly headings: Readonly<Record<keyof Row & string, string>>
    /** The fields of the command's own table. */
    readonly columns: readonly (keyof Row & string)[]
  },
): string {
  const { format, headings, columns } = look
  if (format !== undefined) return formatObjects(rows, format, headings)
  const cells = rows.map((row) => columns.map((column) => String(row[column])))
  return formatTable([columns.map((column) => headings[column]), ...cells])
}
