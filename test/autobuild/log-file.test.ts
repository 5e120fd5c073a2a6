/** What logs do not tell. */
import { expect, it } from 'vitest'
import { redactor } from '../../src/autobuild/log-file.ts'

it('known secrets are hidden, also encoded', () => {
  const redact = redactor(['p@ss/word', 'abc', 'first\nsecond line'])
  expect(redact('a p@ss/word b')).toBe('a *** b')
  expect(redact(`x ${encodeURIComponent('p@ss/word')} ${Buffer.from('p@ss/word').toString('base64')}`)).toBe(
    'x *** ***',
  )
  expect(redact('second line, abc')).toBe('***, abc')
})

it.each([
  ['fetch https://user:pw@host/x.git', 'fetch https://***@host/x.git'],
  ['https://token@host/', 'https://***@host/'],
  ['see https://host/a@b', 'see https://host/a@b'],
  ['Authorization: Bearer abc.def', 'Authorization: Bearer ***'],
  ['"authorization":"Basic YTpi"', '"authorization":"Basic ***"'],
  [`export T=ghp_${'a'.repeat(36)}`, 'export T=***'],
  [`glpat-${'x'.repeat(20)} it was`, '*** it was'],
])('%s', (line, shown) => {
  expect(redactor([])(line)).toBe(shown)
})
