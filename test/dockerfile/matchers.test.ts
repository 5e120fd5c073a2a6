/** The matchers that never backtrack, against JavaScript's expressions, which do. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Part, matchesFromStart } from '../../src/dockerfile/linear-match.ts'
import { compileShellPattern, replaceFirst, trimPrefix, trimSuffix } from '../../src/dockerfile/shell-pattern.ts'

const few = { numRuns: 1000 }
const value = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\n'), maxLength: 40 })
const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 })

describe('patterns of expansion', () => {
  const expression = (text: string, star: string): string => text.replace(/\*+|\?/g, (c) => (c === '?' ? '.' : star))

  it('replace the first match as the expression does', () => {
    fc.assert(
      fc.property(pattern, value, (text, subject) => {
        const wanted = subject.replace(new RegExp(expression(text, '.*')), 'X')
        expect(replaceFirst(compileShellPattern(text), subject, 'X')).toBe(wanted)
      }),
      few,
    )
  })

  it('take the shortest and the longest away at the start and at the end', () => {
    fc.assert(
      fc.property(pattern, value, fc.boolean(), (text, subject, longest) => {
        const star = longest ? '.*' : '.*?'
        const compiled = compileShellPattern(text)
        const prefix = new RegExp(`^${expression(text, star)}`)
        expect(trimPrefix(compiled, subject, longest)).toBe(subject.replace(prefix, ''))
        const reversed = (t: string): string => Array.from(t).reverse().join('')
        const suffix = new RegExp(`^${expression(reversed(text), star)}`)
        expect(trimSuffix(compiled, subject, longest)).toBe(reversed(reversed(subject).replace(suffix, '')))
      }),
      few,
    )
  })
})

describe('patterns of ignore files', () => {
  const pieces: readonly (readonly [string, Part])[] = [
    ['a', { kind: 'one', takes: (c) => c === 'a' }],
    ['\\/', { kind: 'one', takes: (c) => c === '/' }],
    ['[^/]', { kind: 'one', takes: (c) => c !== '/' }],
    ['[^/]*', { kind: 'many', takes: (c) => c !== '/' }],
    ['.*', { kind: 'many', takes: (c) => c !== '\n' }],
    ['(.*\\/)?', { kind: 'folders' }],
    ['$', { kind: 'between', holds: (_before, after) => after === undefined }],
  ]

  it('match as the expression does', () => {
    const path = fc.string({ unit: fc.constantFrom('a', 'b', '/', '\n'), maxLength: 12 })
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 6 }), path, (list, text) => {
        const wanted = new RegExp(`^${list.map(([expression]) => expression).join('')}`).test(text)
        const parts = list.map(([, part]) => part)
        expect(matchesFromStart(parts, text)).toBe(wanted)
      }),
      few,
    )
  })
})
