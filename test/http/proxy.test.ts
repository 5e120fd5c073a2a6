import { describe, expect, test } from 'vitest'
import { type Environment, proxyFor } from '../../src/http/proxy.ts'

const proxy = (url: string, env: Environment): string | undefined => proxyFor(new URL(url), env)?.href

test('each scheme has its variable, lower case first', () => {
  const env = { HTTP_PROXY: 'http://plain:1', HTTPS_PROXY: 'http://upper:2', https_proxy: 'http://lower:3' }
  expect(proxy('http://host/', env)).toBe('http://plain:1/')
  expect(proxy('https://host/', env)).toBe('http://lower:3/')
})

test('ALL_PROXY serves what has none of its own', () => {
  expect(proxy('https://host/', { ALL_PROXY: 'http://all:1' })).toBe('http://all:1/')
})

test('a bare host and port is an http proxy', () => {
  expect(proxy('https://host/', { HTTPS_PROXY: 'proxy:3128' })).toBe('http://proxy:3128/')
})

test('loopback is never proxied', () => {
  for (const host of ['localhost:5000', '127.0.0.1', '[::1]']) {
    expect(proxy(`http://${host}/`, { HTTP_PROXY: 'http://p:1' })).toBeUndefined()
  }
})

test('HTTP_PROXY is ignored under CGI', () => {
  expect(proxy('http://host/', { HTTP_PROXY: 'http://p:1', REQUEST_METHOD: 'GET' })).toBeUndefined()
})

test('a variable that is no proxy URL is an error', () => {
  expect(() => proxy('http://host/', { HTTP_PROXY: 'ftp://u:secret@p' })).toThrow(/no URL of a proxy/)
})

describe('NO_PROXY', () => {
  test.each([
    ['*', 'http://any.host/', true],
    ['example.com', 'http://example.com/', true],
    ['example.com', 'http://a.example.com/', true],
    ['.example.com', 'http://a.example.com/', true],
    ['*.example.com', 'http://a.example.com/', true],
    ['example.com', 'http://notexample.com/', false],
    ['a.com, b.com', 'http://b.com/', true],
    ['host:8080', 'http://host:8080/', true],
    ['host:8080', 'http://host:9090/', false],
    ['host:443', 'https://host/', true],
    ['10.0.0.0/8', 'http://10.200.1.1/', true],
    ['10.0.0.0/8', 'http://11.0.0.1/', false],
    ['192.168.1.7', 'http://192.168.1.7:5000/', true],
    ['0.0.0.0/0', 'http://1.2.3.4/', true],
    ['EXAMPLE.com', 'http://example.COM/', true],
  ])('%s exempts %s: %s', (list, url, exempt) => {
    const env = { HTTP_PROXY: 'http://p:1', HTTPS_PROXY: 'http://p:1', NO_PROXY: list }
    expect(proxy(url, env) === undefined).toBe(exempt)
  })
})
