import { describe, expect, test } from 'vitest'
import { type Action, complaintError, parseComplaints, saysMissing } from '../../src/registry/answer.ts'

describe('complaints', () => {
  test.each([
    ['{"errors":[{"code":"DENIED","message":"no"}]}', [{ code: 'DENIED', message: 'no' }]],
    ['{"errors":[{"code":"X","detail":{"a":1}}]}', [{ code: 'X', message: '{"a":1}' }]],
    ['{"details":"incorrect username or password"}', [{ code: '', message: 'incorrect username or password' }]],
    ['{"errors":[null,5]}', []],
    [
      '<html><head><title>413 Request Entity Too Large</title></head></html>',
      [{ code: '', message: '413 Request Entity Too Large' }],
    ],
    ['upstream timed out', [{ code: '', message: 'upstream timed out' }]],
    ['', []],
    ['[]', []],
  ])('of %s', (body, expected) => {
    expect(parseComplaints(body)).toEqual(expected)
  })

  test('cannot write to the terminal, nor at length', () => {
    const [complaint] = parseComplaints(
      JSON.stringify({ errors: [{ code: 'X', message: '\u001b[2Jgone\r\n\u202e' + 'y'.repeat(999) }] }),
    )
    expect(complaint?.message).toMatch(/^\[2Jgone y+…$/)
    expect(complaint?.message.length).toBeLessThan(310)
  })
})

test('what is missing is said in several ways', () => {
  expect(saysMissing(404, [])).toBe(true)
  expect(saysMissing(400, [{ code: 'MANIFEST_UNKNOWN', message: '' }])).toBe(true)
  expect(saysMissing(400, [{ code: 'UNKNOWN', message: 'artifact not found' }])).toBe(true)
  expect(saysMissing(400, [{ code: 'UNKNOWN', message: 'something' }])).toBe(false)
  expect(saysMissing(500, [{ code: 'MANIFEST_UNKNOWN', message: '' }])).toBe(false)
})

describe('hints', () => {
  const action: Action = { what: 'reading', of: 'reg.example.com/app', kind: 'read', isLoggedIn: false }
  const hint = (status: number, change: Partial<Action> = {}, words = ''): string | undefined =>
    complaintError({ status }, words === '' ? [] : [{ code: '', message: words }], { ...action, ...change }).hint

  test('say what to do about each refusal', () => {
    expect(hint(401)).toMatch(/do not exist, too.*wherry login reg\.example\.com/)
    expect(hint(403, { isLoggedIn: true, kind: 'write' })).toMatch(/may not write to this repository/)
    expect(hint(404)).toBe('Check the name and the tag.')
    expect(hint(404, { kind: 'write' })).toMatch(/Create the repository first/)
    expect(hint(413)).toMatch(/client_max_body_size/)
    expect(hint(429)).toMatch(/log in with/)
    expect(hint(429, { isLoggedIn: true })).not.toMatch(/log in/)
    expect(hint(503)).toMatch(/try again later/)
    expect(hint(400)).toBeUndefined()
    expect(hint(400, { kind: 'write' }, 'The image tag cannot be overwritten because the tag is immutable.')).toMatch(
      /another tag/,
    )
  })
})
