/** Which image builds on which, as text and as a graph. */
import { expect, it } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import { appendHistory, emptyConfig } from '../../src/oci/config.ts'
import { dotText } from '../../src/report/dot.ts'
import { type Family, type FamilyMember, familiesOf } from '../../src/report/family.ts'
import { treeText } from '../../src/report/tree.ts'

const start = emptyConfig({ os: 'linux', architecture: 'amd64' })
const base = appendHistory(start, { created_by: 'ADD rootfs' }, digestOf('base'))
const app = appendHistory(base, { created_by: 'COPY app' }, digestOf('app'))
const command = appendHistory(app, { created_by: 'CMD app' })
const other = appendHistory(base, { created_by: 'COPY other' }, digestOf('other'))
// Imported: its lowest layer says where it comes from, its history does not.
const imported = appendHistory(appendHistory(start, {}, digestOf('base')), {}, digestOf('more'))
const stranger = appendHistory(start, { created_by: 'ADD rootfs' }, digestOf('another base'))

const member = (name: string, config: typeof base, size: number): FamilyMember => ({
  id: `sha256:${name.padEnd(64, '0')}`,
  names: name.startsWith('a') ? [] : [`${name}:1`],
  config,
  size,
})
const members = [
  member('c1', command, 30),
  member('b0', base, 10),
  member('a1', app, 30),
  member('d1', other, 20),
  member('e1', imported, 40),
  member('f0', stranger, 5),
]

it('is told by histories, else by layers', () => {
  const shape = (families: readonly Family[]): unknown =>
    families.map(({ member: { id }, children }) => [id.slice(7, 9), shape(children)])
  expect(shape(familiesOf(members))).toEqual([
    [
      'b0',
      [
        ['a1', [['c1', []]]],
        ['d1', []],
        ['e1', []],
      ],
    ],
    ['f0', []],
  ])
})

it('is a tree of text', () => {
  expect(treeText(familiesOf(members), { noTrunc: false, size: (bytes) => `${bytes}B` })).toBe(
    [
      '├─b00000000000 Virtual Size: 10B Tags: b0:1',
      '│ ├─a10000000000 Virtual Size: 30B',
      '│ │ └─c10000000000 Virtual Size: 30B Tags: c1:1',
      '│ ├─d10000000000 Virtual Size: 20B Tags: d1:1',
      '│ └─e10000000000 Virtual Size: 40B Tags: e1:1',
      '└─f00000000000 Virtual Size: 5B Tags: f0:1',
      '',
    ].join('\n'),
  )
})

it('is a graph whose roots hang on an invisible node', () => {
  const text = dotText(familiesOf(members.slice(0, 3)), { noTrunc: false })
  expect(text).toBe(
    [
      'digraph docker {',
      ' base -> "b00000000000" [style=invis]',
      ' "b00000000000" -> "a10000000000"',
      ' "a10000000000" -> "c10000000000"',
      ' "b00000000000" [label="b00000000000\\nb0:1",shape=box,fillcolor="paleturquoise",style="filled,rounded"];',
      ' "c10000000000" [label="c10000000000\\nc1:1",shape=box,fillcolor="paleturquoise",style="filled,rounded"];',
      ' base [style=invisible]',
      '}',
      '',
    ].join('\n'),
  )
})

it('holds chains of any length', () => {
  let config = start
  const chain = Array.from({ length: 200 }, (_, i) => {
    config = appendHistory(config, { created_by: `RUN ${i}` })
    return member(`b${i.toString(16).padStart(4, '0')}`, config, 0)
  })
  expect(treeText(familiesOf(chain), { noTrunc: false, size: String }).split('\n')).toHaveLength(201)
})
