/** Ignore files and Go's path patterns against the tables of moby/patternmatcher and of Go. */
import { describe, expect, it } from 'vitest'
import { fromText } from '../../src/core/bytepath.ts'
import { WherryError } from '../../src/core/errors.ts'
import { goMatch } from '../../src/dockerfile/go-match.ts'
import { readIgnoreFile } from '../../src/dockerfile/ignore-file.ts'
import { type FolderMatch, type IgnoreMatcher, compileIgnore } from '../../src/dockerfile/ignore.ts'
import { hasTables, table, without } from './tables.ts'

const suite = describe.skipIf(!hasTables)

/** Walks down to `path` with the results of each folder, as a walk of the tree does. */
function walkTo(matcher: IgnoreMatcher, path: string): boolean {
  const parts = path.split('/')
  let parent: FolderMatch | undefined
  for (let i = 1; i <= parts.length; i++) parent = matcher.match(parts.slice(0, i).join('/'), parent)
  return parent?.ignored ?? false
}

suite(`ignore files${without}`, () => {
  const empty = { content: '', expect: [] as string[] }
  it('are read', () => {
    const golden = table<typeof empty>('ignore/read-file.json', empty)
    expect(readIgnoreFile(fromText(golden.content))).toEqual(golden.expect)
    expect(readIgnoreFile(fromText(`\ufeff${golden.content}`))).toEqual(golden.expect)
  })

  interface CleanRow {
    patterns: string[]
    count?: number
    exclusions?: boolean
    error?: boolean
  }
  it.each(table<CleanRow[]>('ignore/clean.json', []))('clean $patterns', ({ patterns, count, exclusions, error }) => {
    if (error) {
      expect(() => compileIgnore(patterns)).toThrow(WherryError)
      return
    }
    const matcher = compileIgnore(patterns)
    if (count !== undefined) expect(matcher.patterns).toHaveLength(count)
    expect(matcher.hasExclusions).toBe(exclusions ?? false)
  })

  interface CompileRow {
    pattern: string
    matchType: string
    regexp: string | null
  }
  it.each(table<CompileRow[]>('ignore/compile.json', []))('compile $pattern', ({ pattern, matchType, regexp }) => {
    const match = compileIgnore([pattern]).patterns[0]?.match
    expect(match?.type).toBe(matchType)
    expect(match?.type === 'regexp' ? match.source : null).toBe(regexp)
  })

  const { cases } = table<{ cases: { patterns: string[]; path: string; ignored: boolean }[] }>('ignore/matches.json', {
    cases: [],
  })
  it.each(cases)('$patterns on $path', ({ patterns, path, ignored }) => {
    const matcher = compileIgnore(patterns.map(fromText))
    expect(matcher.ignores(fromText(path))).toBe(ignored)
    expect(matcher.match(fromText(path), undefined).ignored || walkTo(matcher, fromText(path))).toBe(ignored)
  })
})

suite(`filepath.Match${without}`, () => {
  interface MatchRow {
    pattern: string
    path: string
    match: boolean
    error: boolean
  }
  it.each(table<MatchRow[]>('ignore/filepath-match.json', []))(
    '$pattern on $path',
    ({ pattern, path, match, error }) => {
      const run = (): boolean => goMatch(fromText(pattern), fromText(path))
      if (error) expect(run).toThrow(WherryError)
      else expect(run()).toBe(match)
    },
  )
})
