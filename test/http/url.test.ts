import { describe, expect, test } from 'vitest'
import { isForbiddenHop, isLoopbackHost, redactUrl } from '../../src/http/url.ts'

test('URLs in messages have no user, password or query', () => {
  expect(redactUrl('https://u:p@host:8443/a/b?X-Amz-Signature=secret#f')).toBe('https://host:8443/a/b?…')
  expect(redactUrl(new URL('https://host/a'))).toBe('https://host/a')
  expect(redactUrl('::nonsense::')).toBe('(an invalid URL)')
})

test.each([
  ['localhost', true],
  ['localhost:5000', true],
  ['reg.localhost', true],
  ['127.0.0.1:5000', true],
  ['127.8.9.1', true],
  ['[::1]:5000', true],
  ['127.evil.com', false],
  ['localhost.evil.com', false],
  ['10.0.0.1', false],
  ['0.0.0.0:5000', false],
])('%s is loopback: %s', (host, expected) => {
  expect(isLoopbackHost(host)).toBe(expected)
})

describe('a server of the internet may not send us', () => {
  const from = new URL('https://registry.example.com/v2/')
  test.each([
    'http://127.0.0.1/x',
    'http://localhost:8080/',
    'https://10.1.2.3/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://100.64.0.1/',
    'http://169.254.169.254/latest/meta-data',
    'https://[::1]/',
    'https://[fe80::1]/',
    'https://[fd00::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://0x7f.1/',
    'https://2130706433/',
    'file:///etc/passwd',
    'ftp://cdn.example.com/x',
  ])('to %s', (url) => {
    expect(isForbiddenHop(from, new URL(url))).toBe(true)
  })
  test.each(['https://cdn.example.net/x', 'https://registry.example.com:8443/y', 'https://8.8.8.8/'])(
    'but to %s',
    (url) => {
      expect(isForbiddenHop(from, new URL(url))).toBe(false)
    },
  )
})

test('an internal registry may send us to another internal host, but not to a metadata service', () => {
  const from = new URL('http://10.0.0.1:5000/')
  expect(isForbiddenHop(from, new URL('http://10.0.0.2:9000/bucket'))).toBe(false)
  expect(isForbiddenHop(from, new URL('http://169.254.169.254/'))).toBe(true)
})
