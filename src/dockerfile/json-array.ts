/** The exec form: a JSON array of strings as an instruction's arguments. */
import { syntaxError } from './syntax-error.ts'
import { trimStart } from './text.ts'

/**
 * The strings of a JSON array; undefined if `text` is none, which makes it the shell form.
 * @throws WherryError `dockerfile-syntax` if it is a JSON array with anything but strings in it
 */
export function parseJsonArray(text: string): string[] | undefined {
  const json = trimStart(text)
  if (!json.startsWith('[')) return undefined
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    // Documented behaviour: what is not valid JSON is the shell form, `[ -d /x ] && y` for instance.
    return undefined
  }
  if (!Array.isArray(value)) return undefined
  if (value.every((item) => typeof item === 'string')) return value.map(wellFormed)
  throw syntaxError('when using JSON array syntax, arrays must be comprised of strings only')
}

/** Lone surrogates become U+FFFD, as in every other JSON reader that writes UTF-8. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8')
}
