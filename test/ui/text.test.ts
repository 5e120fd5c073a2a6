/** Widths, cutting, tables and lines. */
import { describe, expect, it } from 'vitest'
import { lineBuffer } from '../../src/ui/lines.ts'
import { formatTable } from '../../src/ui/table.ts'
import { afterReturns, displayWidth, fitWidth, plainLine } from '../../src/ui/text.ts'

describe('width', () => {
  it('counts wide characters as two and marks as none', () => {
    expect(displayWidth('abc')).toBe(3)
    expect(displayWidth('日本')).toBe(4)
    expect(displayWidth('e\u0301')).toBe(1)
  })

  it('cuts with an ellipsis', () => {
    expect(fitWidth('abcdef', 6)).toBe('abcdef')
    expect(fitWidth('abcdef', 4)).toBe('abc…')
    expect(fitWidth('日本語', 4)).toBe('日…')
    expect(fitWidth('abc', 0)).toBe('')
  })
})

describe('foreign text', () => {
  it('loses escape sequences and control characters', () => {
    expect(plainLine('\u001b[1mbold\u001b[0m\tx\u0000\u009b')).toBe('bold    x')
  })

  it('shows what was written last after carriage returns', () => {
    expect(afterReturns('10%\r50%\r100%')).toBe('100%')
    expect(afterReturns('windows\r')).toBe('windows')
    expect(afterReturns('')).toBe('')
  })
})

describe('lineBuffer', () => {
  it('keeps the sources apart and flushes the rest', () => {
    const buffer = lineBuffer()
    expect(buffer.push('a', 'one\ntw')).toEqual(['one'])
    expect(buffer.push('b', 'x\n')).toEqual(['x'])
    expect(buffer.push('a', 'o\n')).toEqual(['two'])
    expect(buffer.push('a', 'rest')).toEqual([])
    expect(buffer.flush('a')).toEqual(['rest'])
    expect(buffer.flush('a')).toEqual([])
  })

  it('breaks an endless line', () => {
    expect(lineBuffer().push('a', 'x'.repeat(100_000))).toHaveLength(1)
  })
})

describe('formatTable', () => {
  it('pads to ten columns or three spaces, and not the last one', () => {
    expect(
      formatTable([
        ['TAG', 'IMAGE ID', 'SIZE'],
        ['latest', '0123456789ab', '1kB'],
      ]),
    ).toBe('TAG       IMAGE ID       SIZE\nlatest    0123456789ab   1kB\n')
  })
})
