/** Lists of copied files: written once for each selection, compared when a later one is another. */
import { createHash } from 'node:crypto'
import { type BytePath, toText } from '../../core/bytepath.ts'
import type { ExplainReason } from '../../core/events.ts'
import type { Entry } from '../../oci/contents.ts'

const header = 'wherry-explain-list 1'

/** Larger selections get no list, in files. */
const listLimit = 250_000

/** Files that are named of each kind of change; the rest is counted. */
const named = 8

/** A file of a list. */
interface Listed {
  /** Type and content. */
  readonly content: string
  readonly mode: string
  readonly owner: string
  readonly mtime: string
}

/** The text of a list (latin1); undefined if there are too many files. */
export function formatList(entries: Iterable<Entry>): string | undefined {
  const records = [header]
  for (const entry of entries) {
    if (records.push(recordOf(entry)) > listLimit) return undefined
  }
  return `${records.join('\0')}\0`
}

/** NUL ends each record, as names can hold anything else. */
function recordOf({ path, type, mode, uid, gid, mtime, ...rest }: Entry): string {
  return `${type}:${contentOf(rest)} ${mode.toString(8)} ${uid}:${gid} ${mtime} /${path}`
}

function contentOf({ sha256, link, devMajor, devMinor, xattrs }: Partial<Entry>): string {
  const extended = JSON.stringify(xattrs ?? {})
  const own = sha256 ?? (link === undefined ? `${devMajor ?? ''}:${devMinor ?? ''}` : link)
  if (extended === '{}' && sha256 !== undefined) return sha256.slice(0, 16)
  return createHash('sha256').update(`${own}\0${extended}`, 'latin1').digest('hex').slice(0, 16)
}

function parseList(text: string | undefined): Map<BytePath, Listed> | undefined {
  const [first, ...records] = (text ?? '').split('\0')
  if (first !== header) return undefined
  const files = new Map<BytePath, Listed>()
  for (const record of records) {
    const slash = record.indexOf('/')
    const [content, mode, owner, mtime] = record.slice(0, Math.max(slash, 0)).split(' ')
    if (content === undefined || mode === undefined || owner === undefined || mtime === undefined) continue
    files.set(record.slice(slash + 1), { content, mode, owner, mtime })
  }
  return files
}

/** What is different between two lists; undefined if one of them is not there. */
export function compareLists(before: string | undefined, after: string | undefined): ExplainReason[] | undefined {
  const old = parseList(before)
  const now = parseList(after)
  if (old === undefined || now === undefined) return undefined
  const added = [...now.keys()].filter((path) => !old.has(path))
  const removed = [...old.keys()].filter((path) => !now.has(path))
  const renamed = renames({ old, now, added, removed })
  const same = [...now].flatMap(([path, file]) => {
    const was = old.get(path)
    return was === undefined ? [] : [{ path, file, was }]
  })
  const changed = same.filter(({ file, was }) => file.content !== was.content)
  const moded = same.filter(({ file, was }) => file.content === was.content && file.mode !== was.mode)
  const owned = same.filter(({ file, was }) => file.content === was.content && file.owner !== was.owner)
  const isMoved = new Set([...renamed].flat())
  return [
    ...reasons('file-renamed', [...renamed], ([from, to]) => `${show(from)} was renamed to ${show(to)}`),
    ...reasons('file-changed', changed, ({ path, file, was }) =>
      kindOf(file) === kindOf(was)
        ? `the content of ${show(path)} changed`
        : `${show(path)} was a ${kindOf(was)} and is a ${kindOf(file)}`,
    ),
    ...reasons(
      'file-mode',
      moded,
      ({ path, file, was }) => `the mode of ${show(path)} changed from ${was.mode} to ${file.mode}`,
    ),
    ...reasons('file-owner', owned, ({ path }) => `the owner of ${show(path)} changed`),
    ...reasons(
      'file-added',
      added.filter((path) => !isMoved.has(path)),
      (path) => `${show(path)} was added`,
    ),
    ...reasons(
      'file-removed',
      removed.filter((path) => !isMoved.has(path)),
      (path) => `${show(path)} was removed`,
    ),
  ]
}

/** Files whose times alone are different. */
export function touchedFiles(before: string | undefined, after: string | undefined): ExplainReason[] {
  const old = parseList(before)
  const touched = [...(parseList(after) ?? [])].filter(
    ([path, file]) => file.content.startsWith('file:') && (old?.get(path)?.mtime ?? file.mtime) !== file.mtime,
  )
  return reasons('file-touched', touched, ([path]) => `${show(path)} was touched: its time does not count`)
}

const kindOf = ({ content }: Listed): string => content.slice(0, content.indexOf(':'))
const show = (path: BytePath): string => toText(path) || '.'

interface Sides {
  readonly old: ReadonlyMap<BytePath, Listed>
  readonly now: ReadonlyMap<BytePath, Listed>
  readonly added: readonly BytePath[]
  readonly removed: readonly BytePath[]
}

/** Pairs [from, to] of a file that is gone and one of the same content that is new. Folders have no content to know them by. */
function renames({ old, now, added, removed }: Sides): ReadonlyMap<BytePath, BytePath> {
  const gone = new Map<string, BytePath[]>()
  for (const path of removed) {
    const { content } = old.get(path)!
    if (!content.startsWith('dir:')) gone.set(content, [...(gone.get(content) ?? []), path])
  }
  const pairs = new Map<BytePath, BytePath>()
  for (const path of added) {
    const from = gone.get(now.get(path)!.content)?.shift()
    if (from !== undefined) pairs.set(from, path)
  }
  return pairs
}

function reasons<T>(kind: ExplainReason['kind'], items: readonly T[], say: (item: T) => string): ExplainReason[] {
  const told = items.slice(0, named).map((item) => ({ kind, text: say(item) }))
  const left = items.length - told.length
  const last = told.at(-1)
  return left === 0 || last === undefined ? told : [...told, { kind, text: `and ${left} more files like it` }]
}
