/** Names of strangers on a screen. */
import { expect, test } from 'vitest'
import { instructionOf } from '../../src/report/page-layers.ts'
import { shownInstruction, shownName, shownText } from '../../src/report/names.ts'
import { hostileNames } from './sample.ts'

test('names show what they are, and nothing else', () => {
  expect(hostileNames.map(shownName)).toEqual([
    '</script><script>alert(1)</script>',
    '<img src=x onerror=alert(2)>',
    '"\' onmouseover="alert(3)',
    '<!--',
    ']]>',
    '\\x1b[31mred\\x1b[0m',
    'line\\nbreak',
    'bytes-\\xff\\xfe',
    'gpj.\\u202eexe',
    'sep\\u2028arator',
    '__proto__',
    '${alert(4)}',
    'héllo wörld',
  ])
  expect(shownName('\xc3\xa9\xff\xf0\x9f\x98\x80\xc3')).toBe('é\\xff😀\\xc3')
})

test('instructions are on one line, without what the history adds', () => {
  expect(shownInstruction('RUN a && \\\n    b\n\tc')).toBe('RUN a && b c')
  expect(shownText('a\u0007')).toBe('a\\x07')
  const shown = (createdBy: string): string => instructionOf({ createdBy })
  expect(shown('RUN |2 A=1 B=2 /bin/sh -c make # buildkit')).toBe('RUN make')
  expect(shown('/bin/sh -c #(nop)  CMD ["sh"]')).toBe('CMD ["sh"]')
  expect(shown('/bin/sh -c make')).toBe('RUN make')
  expect(shown('')).toBe('(the history does not say)')
})
