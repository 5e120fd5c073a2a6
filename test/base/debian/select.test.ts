/** Which packages are chosen, and in which order they are installed. */
import { describe, expect, it } from 'vitest'
import { installGroups } from '../../../src/base/debian/order.ts'
import { type DebianPackage, packageOf, parseDependencies } from '../../../src/base/debian/package.ts'
import { selectPackages, universeOf } from '../../../src/base/debian/select.ts'
import { parseStanzas } from '../../../src/base/debian/stanzas.ts'

/** An index: a line for each package, `name version key=value; key=value`. */
function index(...lines: readonly string[]): DebianPackage[] {
  const text = lines.map((line) => {
    const [name = '', version = '', ...fields] = line.split(' ')
    const more = fields.join(' ').split(';').filter(Boolean)
    const own = more.map((field) => field.trim().replace('=', ': '))
    return [`Package: ${name}`, `Version: ${version}`, ...own, 'Architecture: all', `Filename: pool/${name}.deb`]
      .concat(['Size: 1', `SHA256: ${'0'.repeat(64)}`])
      .join('\n')
  })
  return [...parseStanzas(text.join('\n\n'))].flatMap((stanza) => packageOf(stanza, 'http://m') ?? [])
}

function chosen(indexes: DebianPackage[][], variant: 'essential' | 'minbase' | 'important', ...include: string[]) {
  return selectPackages(universeOf(indexes), { variant, include })
}

const names = (packages: readonly DebianPackage[]): string[] => packages.map((p) => p.name)

describe('a selection', () => {
  const base = [
    'sh 1 Essential=yes; Pre-Depends=libc (>= 2)',
    'libc 2',
    'apt 1 Priority=required',
    'tool 1 Priority=important',
  ]

  it('has what is essential, what the variant asks for, and all that these need', () => {
    expect(names(chosen([index(...base)], 'essential').all)).toEqual(['libc', 'sh'])
    expect(names(chosen([index(...base)], 'minbase').all)).toEqual(['apt', 'libc', 'sh'])
    expect(names(chosen([index(...base)], 'important').all)).toEqual(['apt', 'libc', 'sh', 'tool'])
  })

  it('takes the latest version of an update, and goes by the suite for what is essential', () => {
    const { all } = chosen([index(...base), index('sh 2', 'other 1 Essential=yes')], 'essential')
    expect(all.map((p) => `${p.name} ${p.version}`)).toEqual(['sh 2'])
  })

  it('takes of several alternatives what is wanted anyway, else the first that can be had', () => {
    const packages = index(...base, 'x 1 Depends=absent | b | c', 'b 1', 'c 1')
    expect(names(chosen([packages], 'essential', 'apt', 'x').all)).toContain('b')
    expect(names(chosen([packages], 'essential', 'apt', 'x', 'c').all)).not.toContain('b')
  })

  it('takes what provides a name, the most important first, and heeds the version that it is provided in', () => {
    const packages = index(
      ...base,
      'x 1 Depends=awk',
      'a-awk 1 Priority=optional; Provides=awk',
      'z-awk 1 Priority=required; Provides=awk',
      'y 1 Depends=api (>= 2)',
      'old-api 1 Provides=api (= 1)',
      'new-api 1 Provides=api (= 2)',
      'un-api 1 Provides=api',
    )
    expect(names(chosen([packages], 'essential', 'x').all)).toContain('z-awk')
    const { all } = chosen([packages], 'essential', 'y')
    expect(names(all).filter((name) => name.endsWith('-api'))).toEqual(['new-api'])
  })

  it('remembers what was not asked for', () => {
    const packages = index(...base, 'x 1 Depends=y', 'y 1')
    expect(chosen([packages], 'essential', 'x').automatic).toEqual(['y'])
  })

  it('says what is missing, and for what', () => {
    expect(() => chosen([index(...base, 'x 1 Depends=gone (>= 3) | lost')], 'essential', 'x')).toThrow(
      'x needs gone (>= 3) or lost',
    )
    expect(() => chosen([index(...base)], 'essential', 'nothing')).toThrow('there is no package "nothing"')
  })
})

it('dependencies are read with relations, qualifiers and the old signs', () => {
  expect(parseDependencies('a:any (>= 1:2-3), b | c (<< 4), d (> 5)')).toEqual([
    [{ name: 'a', version: { relation: '>=', wanted: '1:2-3' } }],
    [{ name: 'b' }, { name: 'c', version: { relation: '<<', wanted: '4' } }],
    [{ name: 'd', version: { relation: '>=', wanted: '5' } }],
  ])
})

it('what others need when they are unpacked is installed in a group before, the essential packages first', () => {
  const packages = index(
    'sh 1 Essential=yes',
    'apt 1 Priority=required; Pre-Depends=helper; Depends=lib',
    'helper 1 Depends=deep',
    'deep 1 Pre-Depends=deepest',
    'deepest 1',
    'lib 1',
  )
  const universe = universeOf([packages])
  const groups = installGroups(selectPackages(universe, { variant: 'minbase', include: [] }), universe)
  expect(groups.map(names)).toEqual([['sh'], ['deepest'], ['helper', 'deep'], ['apt', 'lib']])
})
