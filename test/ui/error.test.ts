/** Errors as people see them. */
import { expect, it } from 'vitest'
import { WherryError, WherryErrors } from '../../src/core/errors.ts'
import { renderError, warningText } from '../../src/ui/error.ts'

const source = ['FROM debian', '', 'RUN make \\', '  all', 'ENV A=b', 'CMD x', 'CMD y']
const at = { file: 'Dockerfile', startLine: 3, endLine: 4, excerpt: source.slice(2, 4) }
const plain = { color: false }

it('marks the lines and shows what surrounds them', () => {
  const error = new WherryError('run-failed', '"make all" ended with exit code 2', { at, hint: 'Run it by hand.' })
  expect(renderError(error, { color: false, source: () => source })).toMatchInlineSnapshot(`
    "Dockerfile:3
    --------------------
       1 |     FROM debian
       2 |
       3 | >>> RUN make \\
       4 | >>>   all
       5 |     ENV A=b
       6 |     CMD x
    --------------------
    ERROR: "make all" ended with exit code 2 [run-failed]
    hint: Run it by hand.
    "
  `)
})

it('shows the lines alone when the file is not at hand', () => {
  const error = new WherryError('run-failed', 'it failed', { at })
  expect(renderError(error, plain)).toContain('   3 | >>> RUN make \\\n   4 | >>>   all\n')
})

it('shows all errors of a text, and a hint that they share once', () => {
  const one = new WherryError('dockerfile-syntax', 'first', { at: { ...at, endLine: 3 }, hint: 'Read the reference.' })
  const two = new WherryError('dockerfile-syntax', 'second', {
    at: { ...at, startLine: 5, endLine: 5 },
    hint: one.hint!,
  })
  const text = renderError(new WherryErrors([one, two]), { color: false, source: () => source })
  expect(text).toContain('ERROR: first')
  expect(text).toContain('ERROR: second')
  expect(text.split('hint:')).toHaveLength(2)
})

it('adds the words of the system where the message lacks them', () => {
  const cause = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  expect(renderError(new WherryError('io', 'cannot write the blob', { cause }), plain)).toContain(
    'why: ENOSPC: no space',
  )
  expect(renderError(new WherryError('io', cause.message, { cause }), plain)).not.toContain('why:')
})

it('hides credentials in URLs', () => {
  const error = new WherryError('network', 'cannot reach https://ada:secret@example.com/v2/', { hint: 'x' })
  expect(renderError(error, plain)).toContain('https://***@example.com/v2/')
})

it('colours only when asked', () => {
  expect(renderError(new WherryError('io', 'x'), { color: true })).toContain('\u001b[31m')
})

it('names the rule and the place of a warning', () => {
  expect(warningText({ type: 'warning', message: 'odd case', rule: 'FromAsCasing', at })).toBe(
    'WARNING: FromAsCasing: odd case (Dockerfile:3)',
  )
})
