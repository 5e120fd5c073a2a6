/** Git repositories as docker names them: `URL#REF:SUBDIR`, or `URL?ref=…&subdir=…`. Reference: "Git repositories" of docker's build contexts. */
import { goClean } from './go-path.ts'
import { syntaxError } from './syntax-error.ts'

/** What to take from which repository. */
export interface GitRef {
  /** What git is given. */
  readonly remote: string
  /** Commit, tag or branch; '' is the default branch. */
  readonly ref: string
  /** Relative to the repository's root; '' is the root. */
  readonly subdir: string
  /** The commit that the ref must be, or the beginning of it; '' is any. */
  readonly checksum: string
  readonly keepGitDir?: boolean
  readonly submodules?: boolean
  /** Which time the files get: that of the checkout, or the commit's. */
  readonly mtime?: 'checkout' | 'commit'
  /** Fetch the checksum's commit itself, whatever the ref is now. */
  readonly fetchByCommit: boolean
}

interface Parts {
  readonly remote: string
  readonly fragment: string
  readonly query: string
}

/**
 * Reads a text that may name a repository; undefined if it names something else (a path, another URL). http(s) URLs are
 * repositories if their path ends with `.git`; `shorthand` allows `github.com/…`, which may also be a path.
 * @throws WherryError `dockerfile-syntax` for a repository with parameters that make no sense
 */
export function parseGitRef(text: string, { shorthand = false } = {}): GitRef | undefined {
  const parts = splitRemote(text, shorthand)
  if (parts === undefined) return undefined
  const at = parts.fragment.indexOf(':')
  const ref = at < 0 ? parts.fragment : parts.fragment.slice(0, at)
  const subdir = at < 0 ? '' : goClean(`/${parts.fragment.slice(at + 1)}`).slice(1)
  return withQuery({ remote: parts.remote, ref, subdir, checksum: '', fetchByCommit: false }, parts.query)
}

/** `user@host:path`, as scp has it. */
const scpStyle = /^([\w-]+@[a-zA-Z0-9.-]+:.*?)(?:\?(.*?))?(?:#(.*))?$/s

function splitRemote(text: string, shorthand: boolean): Parts | undefined {
  if (/^\.\.?\//.test(text)) return undefined
  if (text.startsWith('github.com/')) return shorthand ? splitUrl(`https://${text}`) : undefined
  const scheme = /^([a-zA-Z0-9]+):\/\//.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    const [, remote, query = '', fragment = ''] = scpStyle.exec(text) ?? []
    return remote === undefined ? undefined : { remote, query, fragment }
  }
  const parts = splitUrl(text)
  const isWeb = scheme === 'http' || scheme === 'https'
  if (isWeb) return pathOf(parts.remote).endsWith('.git') ? parts : undefined
  return scheme === 'ssh' || scheme === 'git' ? parts : undefined
}

function splitUrl(text: string): Parts {
  const [whole = '', ...fragments] = text.split('#')
  const [written = '', ...queries] = whole.split('?')
  // git takes a scheme in capitals for the name of a remote helper.
  const remote = written.replace(/^[^:]*:/, (scheme) => scheme.toLowerCase())
  return { remote, query: queries.join('?'), fragment: decoded(fragments.join('#')) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function pathOf(url: string): string {
  return decoded(url.replace(/^[^/]*\/\/[^/]*/, ''))
}

type Draft = { -readonly [K in keyof GitRef]: GitRef[K] }

function withQuery(from: GitRef, query: string): GitRef {
  const ref: Draft = { ...from }
  const given = new URLSearchParams(query)
  const named = new Map<string, string>()
  for (const key of new Set(given.keys())) {
    const values = given.getAll(key)
    if (values.length > 1) throw syntaxError(`query "${key}" has multiple values`)
    const value = values[0] ?? ''
    if (value === '' && !flags.includes(key)) throw syntaxError(`query "${key}" has no value`)
    if (key === 'tag' || key === 'branch') named.set(key, value)
    else setQuery(ref, key, value)
  }
  if (named.has('tag') && named.has('branch')) throw syntaxError('branch conflicts with tag')
  for (const [key, value] of named) setOnce(ref, 'ref', prefixed(value, key === 'tag' ? 'refs/tags/' : 'refs/heads/'))
  return ref
}

/** Parameters that mean true without a value. */
const flags = ['submodules', 'keep-git-dir', 'fetch-by-commit']

function setQuery(ref: Draft, key: string, value: string): void {
  switch (key) {
    case 'ref':
    case 'subdir':
      return setOnce(ref, key, value)
    case 'checksum':
    case 'commit':
      ref.checksum = value
      return
    case 'keep-git-dir':
      ref.keepGitDir = booleanOf(key, value)
      return
    case 'submodules':
      ref.submodules = booleanOf(key, value)
      return
    case 'fetch-by-commit':
      ref.fetchByCommit = booleanOf(key, value)
      return
    case 'mtime':
      if (value !== 'checkout' && value !== 'commit')
        throw syntaxError(`invalid mtime value: "${value}" (must be "checkout" or "commit")`)
      ref.mtime = value
      return
    default:
      throw syntaxError(`unexpected query "${key}"`)
  }
}

function setOnce(ref: Draft, key: 'ref' | 'subdir', value: string): void {
  if (ref[key] !== '' && ref[key] !== value) throw syntaxError(`${key} conflicts: "${ref[key]}" vs "${value}"`)
  ref[key] = value
}

function prefixed(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name : prefix + name
}

/** The spellings that Go's strconv.ParseBool takes. */
function booleanOf(key: string, value: string): boolean {
  if (['', '1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false
  throw syntaxError(`invalid ${key} value: "${value}"`)
}

/** A remote without the credentials of an http(s) URL, which may hold an `@` themselves, and without an ssh password; an ssh user is no secret. */
export function withoutCredentials(remote: string): string {
  return remote.replace(/^(https?:\/\/)[^/]*@/i, '$1').replace(/^((?:ssh|git):\/\/[^/:@]*):[^/]*@/i, '$1@')
}
