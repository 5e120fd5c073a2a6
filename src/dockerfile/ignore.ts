/** Which paths of a context are ignored. Semantics of moby/patternmatcher: the last pattern that matches a path or a parent of it decides. */
import { type BytePath, toText } from '../core/bytepath.ts'
import { WherryError } from '../core/errors.ts'
import { goClean, goDir, goRunes } from './go-path.ts'
import { trimBytes } from './ignore-file.ts'
import { type IgnorePattern, compileIgnorePattern, matchesPath, mayMatchBelow } from './ignore-pattern.ts'

/** What was found out about a folder, for what lies in it. */
export interface FolderMatch {
  readonly ignored: boolean
  /** By pattern: whether it matched the folder or one above it. */
  readonly matched: readonly boolean[]
}

/** The compiled patterns of one ignore file. Paths are relative to the context, without leading or trailing slash. */
export interface IgnoreMatcher {
  readonly patterns: readonly IgnorePattern[]
  /** True if a pattern begins with `!`. */
  readonly hasExclusions: boolean
  /** Whether a path is ignored, itself or by a folder above it. */
  ignores(path: BytePath): boolean
  /** The same in a walk, cheaper: `parent` is the result for the folder that the path lies in; if undefined, the folders are looked at too. */
  match(path: BytePath, parent: FolderMatch | undefined): FolderMatch
  /** True if the folder is ignored and no `!` pattern can bring back anything in it, so that it need not be read. */
  canPruneDirectory(folder: BytePath, result: FolderMatch): boolean
}

/**
 * Compiles the patterns of an ignore file, as `readIgnoreFile` gives them.
 * @throws WherryError `dockerfile-invalid` for a malformed one
 */
export function compileIgnore(patterns: readonly BytePath[]): IgnoreMatcher {
  const list = patterns
    .map(trimBytes)
    .filter((text) => text !== '')
    .map(compileOne)
  return {
    patterns: list,
    hasExclusions: list.some((pattern) => pattern.exclusion),
    ignores: (path) => ignores(list, path),
    match: (path, parent) => matchBelow(list, path, parent),
    canPruneDirectory(folder, { ignored, matched }) {
      if (!ignored) return false
      // A pattern before the one that ignores the folder cannot win below it: that one matches everything there as well.
      const decisive = matched.findLastIndex((hit, i) => hit && !list[i]!.exclusion)
      return !list.some((pattern, i) => i > decisive && pattern.exclusion && mayMatchBelow(pattern, folder))
    },
  }
}

function compileOne(text: BytePath): IgnorePattern {
  const cleaned = goClean(text)
  if (cleaned === '!') throw new WherryError('dockerfile-invalid', 'illegal exclusion pattern: "!"', { hint: ruleHint })
  const exclusion = cleaned.startsWith('!')
  try {
    return compileIgnorePattern(exclusion ? cleaned.slice(1) : cleaned, exclusion)
  } catch (cause) {
    throw new WherryError('dockerfile-invalid', `malformed pattern ${toText(text)} in the ignore file`, {
      hint: ruleHint,
      cause,
    })
  }
}

const ruleHint = 'Write one pattern a line; ! in front of one brings back what it matches.'

function ignores(patterns: readonly IgnorePattern[], path: BytePath): boolean {
  const matchesAny = matcherOf([path, ...parentsOf(path)])
  let ignored = false
  for (const pattern of patterns) {
    // Only a pattern that would change the answer is looked at.
    if (pattern.exclusion === ignored && matchesAny(pattern)) ignored = !pattern.exclusion
  }
  return ignored
}

function matchBelow(patterns: readonly IgnorePattern[], path: BytePath, parent: FolderMatch | undefined): FolderMatch {
  const matchesAny = matcherOf(parent === undefined ? [path, ...parentsOf(path)] : [path])
  const matched: boolean[] = []
  let ignored = false
  for (const [i, pattern] of patterns.entries()) {
    let hit = parent?.matched[i] ?? false
    if (!hit && pattern.exclusion === ignored) hit = matchesAny(pattern)
    matched.push(hit)
    if (hit) ignored = !pattern.exclusion
  }
  return { ignored, matched }
}

/** The folders above a path, outermost first. */
function parentsOf(path: BytePath): BytePath[] {
  const parent = goDir(path)
  if (parent === '.') return []
  const parts = parent.split('/')
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'))
}

/** Whether a pattern matches one of these paths; they are decoded once, and only if need be. */
function matcherOf(paths: readonly BytePath[]): (pattern: IgnorePattern) => boolean {
  const runes: (string | undefined)[] = []
  return (pattern) => paths.some((path, i) => matchesPath(pattern, path, () => (runes[i] ??= goRunes(path))))
}
