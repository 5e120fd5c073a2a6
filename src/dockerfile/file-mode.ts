/** The value of --chmod: octal, or symbolic as chmod(1) has it (POSIX), with a umask of 0. */
import { syntaxError } from './syntax-error.ts'

/** A mode to set. */
export interface FileMode {
  /** The bits, if it was written in octal. */
  readonly octal?: number
  /** The permission bits that something with these gets. */
  apply(mode: number, isFolder: boolean): number
}

type Change = FileMode['apply']

/**
 * Reads a mode.
 * @throws WherryError `dockerfile-syntax`
 */
export function parseFileMode(text: string): FileMode {
  if (/^[+-]?\d+$/.test(text)) {
    const octal = /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN
    if (octal <= 0o7777) return { octal, apply: () => octal }
    throw invalid(text)
  }
  const changes = text.split(',').flatMap((clause) => clauseOf(clause, text))
  return { apply: (mode, isFolder) => changes.reduce((bits, change) => change(bits, isFolder), mode) }
}

function invalid(text: string): Error {
  return syntaxError(
    `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`,
    'Write 755, or u=rwX,go=rX.',
  )
}

function clauseOf(clause: string, text: string): Change[] {
  const match = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(clause)
  if (match === null) throw invalid(text)
  const who = match[1] === '' || match[1]!.includes('a') ? 'ugo' : match[1]!
  return [...match[2]!.matchAll(/([-+=])([ugo]|[rwxXst]*)/g)].map((action) => actionOf(who, action[1]!, action[2]!))
}

/** The lowest bit of each class's three. */
const shifts: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 }

function actionOf(who: string, operator: string, permissions: string): Change {
  const classes = Array.from(who)
  const all = classes.reduce((bits, c) => bits | (0o7 << shifts[c]!) | specialOf(c), who === 'ugo' ? 0o1000 : 0)
  return (mode, isFolder) => {
    const bits = classes.reduce((sum, c) => sum | bitsOf(c, permissions, { mode, isFolder }), 0)
    const sticky = permissions.includes('t') && (who === 'ugo' || who.includes('o')) ? 0o1000 : 0
    if (operator === '+') return mode | bits | sticky
    return operator === '-' ? mode & ~(bits | sticky) : (mode & ~all) | bits | sticky
  }
}

function bitsOf(c: string, permissions: string, at: { mode: number; isFolder: boolean }): number {
  const shift = shifts[c]!
  if (/^[ugo]$/.test(permissions)) return ((at.mode >> shifts[permissions]!) & 0o7) << shift
  const executable =
    permissions.includes('x') || (permissions.includes('X') && (at.isFolder || (at.mode & 0o111) !== 0))
  const plain = (permissions.includes('r') ? 4 : 0) | (permissions.includes('w') ? 2 : 0) | (executable ? 1 : 0)
  return (plain << shift) | (permissions.includes('s') ? specialOf(c) : 0)
}

/** Set-user-id for the owner, set-group-id for the group. */
function specialOf(c: string): number {
  return c === 'u' ? 0o4000 : c === 'g' ? 0o2000 : 0
}
