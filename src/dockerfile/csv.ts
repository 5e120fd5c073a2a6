/** One line of comma-separated values, as `--mount` and `--device` have it (RFC 4180). */
import { syntaxError } from './syntax-error.ts'

/**
 * The fields of a line. A field in double quotes may hold commas, and `""` for a quote.
 * @throws WherryError `dockerfile-syntax` for a quote in the wrong place
 */
export function csvFields(line: string): string[] {
  const fields: string[] = []
  let rest = line
  for (;;) {
    const match = /^(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/.exec(rest)
    if (match === null) throw syntaxError(`failed to parse comma-separated values: bare or unclosed quote in ${line}`)
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
    if (match[3] === '') return fields
    rest = rest.slice(match[0].length)
  }
}
