import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { similarName } from '../../src/dockerfile/suggest.ts'

describe('the similar name', () => {
  it.each([
    ['PAHT', ['HOME', 'PATH'], 'PATH'],
    ['DIR_ASSET', ['DIR_BINARIES', 'DIR_ASSETS'], 'DIR_ASSETS'],
    ['version', ['tag', 'Version'], 'Version'],
    ['path', ['PATH'], undefined],
    ['foo', ['foo', 'fooo'], undefined],
    ['abc', ['xyz', ''], undefined],
    ['ab', ['cd', 'b'], 'b'],
    ['', ['ab', 'abc'], 'ab'],
  ])('to %j of %j is %j', (word, options, expected) => {
    expect(similarName(word, options)).toBe(expected)
  })

  it('is found after any edit or two', () => {
    const letters = fc.string({ minLength: 4, maxLength: 30, unit: fc.constantFrom('a', 'b', 'c') })
    const edit = fc.record({ at: fc.nat(), kind: fc.constantFrom('insert', 'delete', 'change') })
    fc.assert(
      fc.property(letters, fc.array(edit, { minLength: 1, maxLength: 2 }), (word, edits) => {
        const edited = edits.reduce((text, { at, kind }) => {
          const i = at % text.length
          return text.slice(0, i) + (kind === 'delete' ? '' : 'z') + text.slice(kind === 'insert' ? i : i + 1)
        }, word)
        expect(similarName(edited, [word])).toBe(edited === word ? undefined : word)
      }),
    )
  })
})
