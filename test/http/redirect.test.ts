import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import type { HttpRequest, HttpResponse } from '../../src/http/message.ts'
import { redirectOf } from '../../src/http/redirect.ts'

const request: HttpRequest = {
  method: 'GET',
  url: new URL('https://reg.example.com/v2/x'),
  headers: { authorization: 'Bearer secret', accept: 'a/b' },
}
const answer = (status: number, location?: string): HttpResponse => ({
  status,
  headers: location === undefined ? {} : { location },
  url: request.url,
  body: Readable.from([]),
})

describe('credentials', () => {
  test.each([
    ['/v2/y', true],
    ['https://reg.example.com/other', true],
    ['https://reg.example.com:444/', false],
    ['http://reg.example.com/', false],
    ['https://cdn.example.com/', false],
    ['//evil.com/', false],
  ])('go along to %s: %s', (location, kept) => {
    const next = redirectOf(request, answer(307, location))
    expect(next?.headers).toEqual(kept ? request.headers : { accept: 'a/b' })
  })
})

test('an upload is redirected by 307 and 308 alone', () => {
  const put: HttpRequest = { ...request, method: 'PUT' }
  expect([301, 302, 303, 307, 308].filter((s) => redirectOf(put, answer(s, '/y')) !== undefined)).toEqual([307, 308])
  expect(redirectOf(put, answer(307, '/y'))?.method).toBe('PUT')
})

test('a 3xx without a location, and a 2xx with one, are no redirects', () => {
  expect(redirectOf(request, answer(302))).toBeUndefined()
  expect(redirectOf(request, answer(304, '/y'))).toBeUndefined()
  expect(redirectOf(request, answer(201, '/y'))).toBeUndefined()
})

test('a redirect inside or to another protocol is refused, its query kept secret', () => {
  for (const location of ['http://169.254.169.254/?token=t', 'file:///etc/shadow', 'http://[']) {
    expect(() => redirectOf(request, answer(302, location))).toThrow(/does not follow/)
    expect(() => redirectOf(request, answer(302, location))).not.toThrow(/token=t/)
  }
})
