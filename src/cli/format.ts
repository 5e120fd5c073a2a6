/** The part of docker's `--format` that scripts use: `json`, and templates of fields such as `{{.Repository}}:{{.Tag}}`. */
import { WherryError } from '../core/errors.ts'
import { isJsonObject } from '../core/json.ts'
import { formatTable } from '../ui/table.ts'

const action = /\{\{\s*(json\s+)?\.([\w.]*)\s*\}\}/g

/**
 * Renders objects: `json` gives one line of JSON each, `table TEMPLATE` a table with field names as its heading, any other
 * template one line each.
 * @throws WherryError `usage` for template actions other than fields
 */
export function formatObjects(objects: readonly object[], format: string): string {
  if (format === 'json') return objects.map((object) => `${JSON.stringify(object)}\n`).join('')
  const template = format
    .replace(/^table\s+/, '')
    .replaceAll('\\t', '\t')
    .replaceAll('\\n', '\n')
  checkTemplate(template)
  if (template === format || !format.startsWith('table')) return objects.map((o) => `${fill(template, o)}\n`).join('')
  const heading = template.replace(action, (_all, _json, path: string) => path.toUpperCase())
  return formatTable([heading, ...objects.map((o) => fill(template, o))].map((row) => row.split('\t')))
}

function checkTemplate(template: string): void {
  if (!template.replace(action, '').includes('{{')) return
  throw new WherryError('usage', `the format "${template}" holds more than fields`, {
    hint: 'Write fields as {{.Name}} or {{json .Name}}, or use --format json.',
  })
}

function fill(template: string, object: object): string {
  return template.replace(action, (_all, json: string | undefined, path: string) => {
    const value = path.split('.').reduce<unknown>((at, key) => (key === '' ? at : field(at, key)), object)
    return json !== undefined || (typeof value === 'object' && value !== null)
      ? JSON.stringify(value ?? null)
      : textOf(value)
  })
}

function field(value: unknown, key: string): unknown {
  return isJsonObject(value) ? value[key] : undefined
}

/** Scalars as they are; what is not there as Go prints it. */
function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : '<no value>'
}
