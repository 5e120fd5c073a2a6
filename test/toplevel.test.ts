/** Holds the one list of names that may stand at the top of the repository. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

const allowed = [
  '.ci',
  '.dockerignore',
  '.github',
  '.gitignore',
  '.npmrc',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'Dockerfile',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'bin',
  'biome.json',
  'deploy',
  'docs',
  'esbuild.config.mjs',
  'eslint.config.mjs',
  'fixtures',
  'knip.json',
  'package-lock.json',
  'package.json',
  'src',
  'test',
  'tsconfig.json',
  'vitest.config.ts',
]

const needed = ['package.json', 'tsconfig.json', 'src', 'bin', 'fixtures', 'test', 'README.md', 'LICENSE', '.ci']

/** Files under version control; undefined where this is no git checkout (an unpacked archive). */
function trackedFiles(): string[] | undefined {
  if (!existsSync(join(root, '.git'))) return undefined
  // A checkout that belongs to somebody else is still only read here.
  const args = ['-c', `safe.directory=${root}`, 'ls-files', '-z']
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean)
}

const tracked = trackedFiles()

describe.skipIf(tracked === undefined)('the top level', () => {
  const names = [...new Set((tracked ?? []).map((path) => path.split('/')[0] ?? path))]

  test('has only names of the list', () => {
    expect(names.filter((name) => !allowed.includes(name))).toEqual([])
  })

  test('has what every package needs', () => {
    expect(needed.filter((name) => !names.includes(name))).toEqual([])
  })
})

describe('documents', () => {
  const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'fixtures/README.md']

  test.each(documents.filter((name) => existsSync(join(root, name))))('%s links only to files that exist', (name) => {
    const text = readFileSync(join(root, name), 'utf8')
    const links = [...text.matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)].map((m) => m[1] ?? '')
    const local = links.filter((link) => !/^[a-z]+:/.test(link))
    expect(local.filter((link) => !existsSync(join(root, dirname(name), link)))).toEqual([])
  })
})
