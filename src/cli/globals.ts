/** Options before the command's name: `wherry --root DIR build .`. */
import { WherryError } from '../core/errors.ts'

/** A command line cut where the command's name begins. */
export interface SplitLine {
  /** The global options, ready to stand after the command's name; `--version` and `--help` in their long form. */
  readonly globals: readonly string[]
  readonly words: readonly string[]
}

const flags: Readonly<Record<string, string>> = {
  '--version': '--version',
  '-v': '--version',
  '-V': '--version',
  '--help': '--help',
  '-h': '--help',
  '--debug': '--debug',
  '-D': '--debug',
}

/**
 * Takes global options off the front of a command line.
 * @throws WherryError `usage` for an option that is none
 */
export function splitGlobals(argv: readonly string[]): SplitLine {
  const globals: string[] = []
  let i = 0
  for (; i < argv.length && argv[i]!.startsWith('-'); i++) {
    const arg = argv[i]!
    const flag = flags[arg]
    if (flag !== undefined) globals.push(flag)
    else if (/^--(root|cache-dir)=/.test(arg)) globals.push(arg)
    else if (arg === '--root' || arg === '--cache-dir') globals.push(`${arg}=${argv[++i] ?? ''}`)
    else {
      throw new WherryError('usage', `unknown option ${arg} before the command`, {
        hint: 'Options of a command stand after its name: `wherry build -t NAME .`.',
      })
    }
  }
  return { globals, words: argv.slice(i) }
}
