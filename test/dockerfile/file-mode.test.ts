/** Modes of --chmod against what BSD's setmode gives, which BuildKit uses. */
import { describe, expect, it } from 'vitest'
import { parseFileMode } from '../../src/dockerfile/file-mode.ts'

describe('parseFileMode', () => {
  it.each([
    ['755', 0o644, 0o755],
    ['u=rwX,go=rX', 0o640, 0o644],
    ['u=rwX,go=rX', 0o711, 0o755],
    ['a-x,+X', 0o755, 0o755],
    ['u+x,go+X', 0o644, 0o744],
    ['go-X', 0o755, 0o744],
    ['=', 0o7777, 0o1000],
    ['a=rx', 0o1777, 0o1555],
    ['u+t', 0o755, 0o1755],
    ['o+t', 0o755, 0o755],
    ['+xt', 0o644, 0o1644],
    ['o+s', 0o755, 0o755],
    ['ug+s', 0o755, 0o6755],
    ['g=u', 0o744, 0o774],
    ['go=u-w', 0o744, 0o755],
    ['u=rg', 0o4730, 0o330],
    ['o+ug', 0o640, 0o646],
    ['u=', 0o4755, 0o055],
  ])('%s on %o gives %o', (text, mode, expected) => {
    expect(parseFileMode(text).apply(mode, false)).toBe(expected)
  })

  it('lets X pass for folders', () => {
    expect(parseFileMode('u=rwX,go=rX').apply(0o600, true)).toBe(0o755)
  })

  it.each(['', 'u', 'foo', '888', '10000', 'u+z', 'a+x,', '+7'])('refuses %j', (text) => {
    expect(() => parseFileMode(text)).toThrow(/invalid chmod parameter/)
  })
})
