import { describe, expect, test } from 'vitest'
import { authFilePaths, keysFor, loginFilePath, normalizeKey, parseAuthEntry } from '../../src/registry/auth-file.ts'

const encode = (text: string): string => Buffer.from(text).toString('base64')

test('files are looked into in the order: named, docker’s, the containers tools’', () => {
  expect(authFilePaths({ HOME: '/h', XDG_RUNTIME_DIR: '/run/user/1', REGISTRY_AUTH_FILE: '/a.json' })).toEqual([
    '/a.json',
    '/h/.docker/config.json',
    '/run/user/1/containers/auth.json',
    '/h/.config/containers/auth.json',
  ])
  expect(authFilePaths({ DOCKER_CONFIG: '/d' })).toEqual(['/d/config.json'])
  expect(authFilePaths({})).toEqual([])
  expect(() => loginFilePath({})).toThrow(/no place for credentials/)
})

test('keys go from the whole path to the host', () => {
  expect(keysFor('reg:5000', 'a/b')).toEqual(['reg:5000/a/b', 'reg:5000/a', 'reg:5000'])
})

test.each([
  ['https://index.docker.io/v1/', 'docker.io'],
  ['index.docker.io', 'docker.io'],
  ['registry-1.docker.io', 'docker.io'],
  ['docker.io', 'docker.io'],
  ['https://reg.example.com/v2/', 'reg.example.com'],
  ['http://reg:5000', 'reg:5000'],
  ['reg.example.com/team/app', 'reg.example.com/team/app'],
  ['reg.example.com/', 'reg.example.com'],
  ['evil-index.docker.io.example.com', 'evil-index.docker.io.example.com'],
])('the key %s means %s', (key, expected) => {
  expect(normalizeKey(key)).toBe(expected)
})

describe('an entry', () => {
  test.each([
    [{ auth: encode('u:p:w') }, { username: 'u', password: 'p:w' }],
    [
      { username: 'u', password: 'p' },
      { username: 'u', password: 'p' },
    ],
    [
      { auth: encode('u:'), identitytoken: 'i' },
      { username: 'u', password: '', identityToken: 'i' },
    ],
    [{ auth: encode('<token>:i') }, { username: '<token>', password: 'i', identityToken: 'i' }],
    [{ registrytoken: 'b' }, { bearer: 'b' }],
  ])('%j is read', (entry, expected) => {
    expect(parseAuthEntry(entry)).toEqual(expected)
  })
  test.each([{}, { auth: '' }, { auth: encode('nocolon') }, null, 'x'])('%j has nothing', (entry) => {
    expect(parseAuthEntry(entry)).toBeUndefined()
  })
})
