/** Cuts the arguments of each instruction in the way that it needs: words, one string, name and value, or a JSON array. */
import { parseJsonArray } from './json-array.ts'
import { syntaxError } from './syntax-error.ts'
import { isSpace, splitBlanks, splitOnce, trimStart } from './text.ts'
import { quotedWords, splitLine } from './words.ts'

/** An instruction's arguments. */
export interface Arguments {
  /** For ENV and LABEL triples: name, value, and `=` or (old form) ''. */
  readonly args: readonly string[]
  /** True for the JSON form. */
  readonly json: boolean
  /** The instruction behind ONBUILD. */
  readonly trigger?: { readonly name: string; readonly flags: readonly string[]; readonly arguments: Arguments }
}

const none: Arguments = { args: [], json: false }

/**
 * Parses what follows an instruction's name and flags. Unknown instructions have no arguments.
 * @throws WherryError `dockerfile-syntax`
 */
export function parseArguments(name: string, rest: string, escape: string): Arguments {
  switch (name.toLowerCase()) {
    case 'add':
    case 'copy':
    case 'volume':
      return jsonOr(rest, words)
    case 'cmd':
    case 'entrypoint':
    case 'run':
    case 'shell':
      return jsonOr(rest, whole)
    case 'env':
    case 'label':
      return { args: pairs(rest, name.toUpperCase(), escape), json: false }
    case 'arg':
      return { args: quotedWords(rest, escape), json: false }
    case 'expose':
    case 'from':
      return { args: words(rest), json: false }
    case 'maintainer':
    case 'stopsignal':
    case 'user':
    case 'workdir':
      return { args: whole(rest), json: false }
    case 'healthcheck':
      return healthcheck(rest)
    case 'onbuild':
      return onbuild(rest, escape)
    default:
      return none
  }
}

function jsonOr(rest: string, otherwise: (rest: string) => string[]): Arguments {
  const array = parseJsonArray(rest)
  return array === undefined ? { args: otherwise(rest), json: false } : { args: array, json: true }
}

function words(rest: string): string[] {
  return rest === '' ? [] : splitBlanks(rest)
}

function whole(rest: string): string[] {
  return rest === '' ? [] : [rest]
}

function pairs(rest: string, instruction: string, escape: string): string[] {
  const all = quotedWords(rest, escape)
  if (all.length === 0) return []
  if (!all[0]!.includes('=')) {
    const [name, value] = splitOnce(rest)
    if (value === undefined) throw syntaxError(`${instruction} must have two arguments`)
    return [name, value, '']
  }
  return all.flatMap((word) => {
    const at = word.indexOf('=')
    if (at >= 0) return [word.slice(0, at), word.slice(at + 1), '=']
    throw syntaxError(
      `Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`,
      'Put a value with spaces in quotes.',
    )
  })
}

function healthcheck(rest: string): Arguments {
  let end = 0
  while (end < rest.length && !isSpace(rest.charAt(end))) end++
  if (end === 0) return none
  const command = jsonOr(trimStart(rest.slice(end)), whole)
  return { args: [rest.slice(0, end), ...command.args], json: command.json }
}

function onbuild(rest: string, escape: string): Arguments {
  if (rest === '') return none
  const { name, flags, rest: behind } = splitLine(rest, escape)
  const trigger = { name, flags, arguments: parseArguments(name, behind, escape) }
  return { args: [name, ...trigger.arguments.args], json: false, trigger }
}
