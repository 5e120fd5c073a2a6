/** The value of --chmod: octal, or symbolic as BSD's chmod(1) has it, which BuildKit follows, with a umask of 0. */
import { syntaxError } from './syntax-error.ts'

/** A mode to set. */
export interface FileMode {
  /** The bits, if it was written in octal. */
  readonly octal?: number
  /** The permission bits that something with these gets. */
  apply(mode: number, isFolder: boolean): number
}

/** One edit of the bits; `original` are those before all edits. */
type Change = (bits: number, original: number, isFolder: boolean) => number

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
  return { apply: (mode, isFolder) => changes.reduce((bits, change) => change(bits, mode, isFolder), mode) }
}

function invalid(text: string): Error {
  return syntaxError(
    `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`,
    'Write 755, or u=rwX,go=rX.',
  )
}

const sticky = 0o1000

/** All bits but the sticky one: what a clause without classes is about. */
const everyone = 0o6777

/** What a class's clause may change. */
const classBits: Readonly<Record<string, number>> = { a: everyone, u: 0o4700, g: 0o2070, o: 0o0007 }

/** What a letter sets, for all classes. */
const letterBits: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111, s: 0o6000, t: sticky }

/** The lowest bit of each class's three. */
const shifts: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 }

function clauseOf(clause: string, text: string): Change[] {
  const match = /^([ugoa]*)((?:[-+=][rwxXstugo]*)+)$/.exec(clause)
  if (match === null) throw invalid(text)
  const classes = Array.from(match[1]!).reduce((bits, c) => bits | classBits[c]!, 0)
  return [...match[2]!.matchAll(/([-+=])([rwxXstugo]*)/g)].flatMap((action) =>
    changesOf(classes, action[1]!, action[2]!),
  )
}

/**
 * The changes of one operator, as BSD's setmode(3) makes them: letters before a copied class are set before it, and the sticky
 * bit, which `o` alone cannot change, stands for itself.
 */
function changesOf(classes: number, operator: string, letters: string): Change[] {
  const changes: Change[] = []
  let who = classes
  let bits = 0
  let conditional = 0
  let isCopied = false
  const flush = (): void => {
    if (bits !== 0 || (operator === '=' && !isCopied)) changes.push(setting(operator, who, bits))
    if (conditional !== 0) changes.push(executable(who))
    bits = conditional = 0
  }
  for (const letter of letters) {
    if (letter in shifts) {
      isCopied ||= bits === 0
      flush()
      isCopied = true
      changes.push(copying(letter, operator, classes))
    } else if (letter === 'X' && operator !== '-') conditional = 0o111
    else if (!'st'.includes(letter) || who === 0 || (who & ~0o0007) !== 0) {
      if (letter === 't') who |= sticky
      bits |= letterBits[letter === 'X' ? 'x' : letter]!
    }
  }
  flush()
  return changes
}

function setting(operator: string, who: number, wanted: number): Change {
  const bits = who === 0 ? wanted : wanted & who
  if (operator === '+') return (mode) => mode | bits
  if (operator === '-') return (mode) => mode & ~bits
  const cleared = ~(who === 0 ? everyone : who)
  return (mode) => (mode & cleared) | bits
}

/** `X`: for folders, and for what someone could execute before. */
function executable(who: number): Change {
  const bits = who === 0 ? 0o111 : 0o111 & who
  return (mode, original, isFolder) => (isFolder || (original & 0o111) !== 0 ? mode | bits : mode)
}

/** The three bits of one class for others; special bits stay. */
function copying(from: string, operator: string, classes: number): Change {
  const who = (classes === 0 ? everyone : classes) & 0o777
  return (mode) => {
    const three = (mode >> shifts[from]!) & 0o7
    const bits = ((three << 6) | (three << 3) | three) & who
    if (operator === '-') return mode & ~bits
    return (operator === '=' ? mode & ~who : mode) | bits
  }
}
