import { describe, expect, test } from 'vitest'
import { uploadLocation, withParameter } from '../../src/registry/location.ts'

const base = new URL('https://reg.example.com/')
const requested = new URL('https://reg.example.com/v2/a/blobs/uploads/')
const at = (location: string | undefined): string => uploadLocation(base, requested, location).href

describe('a Location', () => {
  test('may be relative and is resolved against the request', () => {
    expect(at('/v2/a/blobs/uploads/1?_state=x')).toBe('https://reg.example.com/v2/a/blobs/uploads/1?_state=x')
    expect(at('2')).toBe('https://reg.example.com/v2/a/blobs/uploads/2')
  })

  test('that names the registry by http, as one behind a TLS proxy does, is asked by https', () => {
    expect(at('http://reg.example.com/v2/u')).toBe('https://reg.example.com/v2/u')
    expect(at('http://reg.example.com:5000/v2/u')).toBe('https://reg.example.com/v2/u')
  })

  test('may be on another host of the internet', () => {
    expect(at('https://upload.example.net/u')).toBe('https://upload.example.net/u')
  })

  test.each([
    undefined,
    'http://[',
    'http://upload.example.net/u',
    'https://127.0.0.1/',
    'file:///x',
    'https://10.0.0.1/',
  ])('of %s is refused', (location) => {
    expect(() => at(location)).toThrow()
  })
})

test('a parameter is appended, what stands there is kept byte for byte', () => {
  const added = (url: string): string => withParameter(new URL(url), 'digest', 'sha256:ab').href
  expect(added('https://h/u')).toBe('https://h/u?digest=sha256%3Aab')
  expect(added('https://h/u?_state=a%2Fb%3D%3D&x=1+2')).toBe('https://h/u?_state=a%2Fb%3D%3D&x=1+2&digest=sha256%3Aab')
})
