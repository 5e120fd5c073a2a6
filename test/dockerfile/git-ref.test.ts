/** Names of git repositories. */
import { describe, expect, it } from 'vitest'
import { WherryError } from '../../src/core/errors.ts'
import { type GitRef, parseGitRef, withoutCredentials } from '../../src/dockerfile/git-ref.ts'
import { hasTables, table, without } from './tables.ts'

interface Row {
  ref: string
  err: string
  expected: null | {
    Remote: string
    Ref: string
    SubDir: string
    Checksum: string
    KeepGitDir: boolean | null
    Submodules: boolean | null
    MTime: string
    FetchByCommit: boolean
    IndistinguishableFromLocal: boolean
  }
}

const rows = table<{ parse: Row[]; fragment: { ref: string; ok: boolean; expected: string }[] }>(
  'parser/git-refs.json',
  {
    parse: [],
    fragment: [],
  },
)

/** As the table has it. */
function expectedRef(row: Row['expected']): GitRef | undefined {
  if (row === null) return undefined
  return {
    remote: row.IndistinguishableFromLocal ? `https://${row.Remote}` : row.Remote,
    ref: row.Ref,
    subdir: row.SubDir,
    checksum: row.Checksum,
    fetchByCommit: row.FetchByCommit,
    ...(row.KeepGitDir !== null && { keepGitDir: row.KeepGitDir }),
    ...(row.Submodules !== null && { submodules: row.Submodules }),
    ...(row.MTime !== '' && { mtime: row.MTime as 'commit' }),
  }
}

describe.skipIf(!hasTables)(`git references as BuildKit reads them${without}`, () => {
  it.each(rows.parse)('$ref', ({ ref, err, expected }) => {
    const read = (): GitRef | undefined => parseGitRef(ref, { shorthand: true })
    if (err !== '') expect(read).toThrow(err)
    else expect(read()).toEqual(expectedRef(expected))
  })

  it.each(rows.fragment)('$ref in the form with a fragment', ({ ref, ok, expected }) => {
    let found: GitRef | undefined
    try {
      found = parseGitRef(ref, { shorthand: true })
    } catch (error) {
      expect(error).toBeInstanceOf(WherryError)
    }
    expect(found !== undefined).toBe(ok)
    if (found === undefined) return
    const remote = ref.startsWith('github.com/') ? found.remote.replace('https://', '') : found.remote
    expect(remote + (found.ref === '' ? '' : `#${found.ref}`)).toBe(expected)
  })
})

describe('a git reference', () => {
  it.each([
    ['./repo.git'],
    ['../repo.git'],
    ['repo.git'],
    ['github.com/me/repo'],
    ['https://example.com/archive.tar.gz'],
    ['https://example.com/repo.git/file'],
    ['ftp://example.com/repo.git'],
  ])('%s is something else', (text) => {
    expect(parseGitRef(text)).toBeUndefined()
  })

  it('keeps the credentials and the port of the remote', () => {
    expect(parseGitRef('https://me:pw@h:8443/r.git#main:/a/../b/')).toEqual({
      remote: 'https://me:pw@h:8443/r.git',
      ref: 'main',
      subdir: 'b',
      checksum: '',
      fetchByCommit: false,
    })
  })

  it('writes the scheme in small letters, as git needs it, and nothing else', () => {
    expect(parseGitRef('HTTPS://Host/Repo.git#Main')).toMatchObject({ remote: 'https://Host/Repo.git', ref: 'Main' })
  })

  it.each([
    ['https://h/r.git?tag=1&branch=x', 'branch conflicts with tag'],
    ['https://h/r.git?ref=a&ref=b', 'multiple values'],
    ['https://h/r.git?subdir=a#:b', 'subdir conflicts'],
    ['https://h/r.git?ref=', 'has no value'],
    ['https://h/r.git?keep-git-dir=maybe', 'invalid keep-git-dir value'],
    ['git@h:r?depth=1', 'unexpected query "depth"'],
  ])('refuses %s', (text, message) => {
    expect(() => parseGitRef(text)).toThrow(message)
  })
})

describe('a remote without credentials', () => {
  it.each([
    ['https://me:p@ss@h:8443/r.git', 'https://h:8443/r.git'],
    ['http://me:p:w@h/a@b.git', 'http://h/a@b.git'],
    ['HTTPS://me@h/r.git', 'HTTPS://h/r.git'],
    ['ssh://git:pw@h/r.git', 'ssh://git@h/r.git'],
    ['ssh://git@h/r.git', 'ssh://git@h/r.git'],
    ['git@h:me/r.git', 'git@h:me/r.git'],
  ])('of %s is %s', (remote, bare) => {
    expect(withoutCredentials(remote)).toBe(bare)
  })
})
