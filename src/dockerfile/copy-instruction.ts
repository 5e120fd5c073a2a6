/** COPY and ADD. Reference: docker/dockerfile:1, "COPY" and "ADD". */
import { flagTables } from './flag-tables.ts'
import { type HeredocStart, chompTabs, heredocOfWord } from './heredoc.ts'
import type { AddInstruction, CopyInstruction, CopySource, Heredoc } from './instructions.ts'
import { type Request, flagsOf } from './request.ts'
import { syntaxError } from './syntax-error.ts'

/**
 * Types a COPY.
 * @throws WherryError `dockerfile-syntax`
 */
export function parseCopy(request: Request): CopyInstruction {
  checkCount(request)
  const flags = flagsOf(request, flagTables.COPY)
  const from = flags.string('from')
  if (from !== undefined && hasVariable(from)) {
    throw syntaxError(
      'variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround',
      'An ARG before the first FROM can be used in FROM: give that stage a name, and write the name here.',
    )
  }
  const parents = flags.boolean('parents') ?? false
  return { ...request.common, kind: 'COPY', from, parents, ...sharedFlags(flags), ...paths(request) }
}

/**
 * Types an ADD.
 * @throws WherryError `dockerfile-syntax`
 */
export function parseAdd(request: Request): AddInstruction {
  checkCount(request)
  const flags = flagsOf(request, flagTables.ADD)
  return {
    ...request.common,
    kind: 'ADD',
    checksum: flags.string('checksum'),
    keepGitDir: flags.boolean('keep-git-dir'),
    unpack: flags.boolean('unpack'),
    ...sharedFlags(flags),
    ...paths(request),
  }
}

/** True if a `$` stands in the text, not at its end. */
export function hasVariable(text: string): boolean {
  const at = text.indexOf('$')
  return at >= 0 && at !== text.length - 1
}

function checkCount(request: Request): void {
  if (request.args.length >= 2) return
  throw syntaxError(
    `${request.name} requires at least two arguments, but only one was provided. Destination could not be determined`,
  )
}

function sharedFlags(flags: ReturnType<typeof flagsOf>): Pick<CopyInstruction, 'chown' | 'chmod' | 'link' | 'exclude'> {
  return {
    chown: flags.string('chown'),
    chmod: flags.string('chmod'),
    link: flags.boolean('link') ?? false,
    exclude: flags.list('exclude'),
  }
}

/** Sources in the order in which they are copied: paths first, then heredocs. */
function paths(request: Request): { sources: CopySource[]; destination: string } {
  const destination = request.args.at(-1) ?? ''
  if (heredocOfWord(destination)) throw syntaxError(`${request.name} cannot accept a heredoc as a destination`)
  // Of several bodies with one name the last one counts, as in BuildKit.
  const bodies = new Map(request.node.heredocs.map(({ name, body }) => [name, body]))
  const files: CopySource[] = []
  const inline: CopySource[] = []
  for (const source of request.args.slice(0, -1)) {
    const start = heredocOfWord(source)
    if (start === undefined) files.push({ kind: 'path', path: source })
    else inline.push({ kind: 'heredoc', heredoc: bodied(start, bodies) })
  }
  return { sources: [...files, ...inline], destination }
}

function bodied(start: HeredocStart, bodies: ReadonlyMap<string, string>): Heredoc {
  const body = bodies.get(start.name) ?? ''
  return { ...start, content: start.chomp ? chompTabs(body) : body }
}
