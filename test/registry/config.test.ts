import { describe, expect, test } from 'vitest'
import { parseRegistryRules, routesFor } from '../../src/registry/config.ts'

const text = `
unqualified-search-registries = ["docker.io"]
[[registry]]
location = "insecure.example.com:5000"
insecure = true
[[registry]]
prefix = "example.com/team"
location = "internal.example.com/mirror-of/team"
[[registry]]
prefix = "example.com/team/secret"
blocked = true
[[registry]]
prefix = "docker.io"
location = "docker.io"
[[registry.mirror]]
location = "mirror-a.example.com/hub"
insecure = true
[[registry.mirror]]
location = "mirror-b.example.com"
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "mirror-c.example.com"
pull-from-mirror = "tag-only"
[[registry]]
prefix = "*.wild.example.com"
location = "tame.example.com"
`

const route = async (name: string, reference?: string): Promise<string[]> => {
  const [registry = '', ...rest] = name.split('/')
  const rules = await parseRegistryRules(text, 'registries.conf')
  return routesFor(rules, { registry, repository: rest.join('/') }, reference).map(
    (r) => `${r.host} ${r.repository}${r.insecure ? ' insecure' : ''}`,
  )
}

describe('a name', () => {
  test.each([
    ['ghcr.io/a/b', ['ghcr.io a/b']],
    ['insecure.example.com:5000/a', ['insecure.example.com:5000 a insecure']],
    ['example.com/team/app', ['internal.example.com mirror-of/team/app']],
    ['example.com/teams/app', ['example.com teams/app']],
    ['a.wild.example.com/x', ['tame.example.com x']],
    ['wild.example.com/x', ['wild.example.com x']],
  ])('%s is asked for at %s', async (name, expected) => {
    expect(await route(name)).toEqual(expected)
  })

  test('that is blocked is refused', async () => {
    await expect(route('example.com/team/secret')).rejects.toMatchObject({ code: 'registry' })
    await expect(route('example.com/team/secret/x')).rejects.toThrow(/registries.conf blocks/)
  })

  test('with mirrors is asked for at those that take the kind of reference, then at home', async () => {
    expect(await route('docker.io/library/debian', '12')).toEqual([
      'mirror-a.example.com hub/library/debian insecure',
      'mirror-c.example.com library/debian',
      'docker.io library/debian',
    ])
    expect(await route('docker.io/library/debian', `sha256:${'0'.repeat(64)}`)).toEqual([
      'mirror-a.example.com hub/library/debian insecure',
      'mirror-b.example.com library/debian',
      'docker.io library/debian',
    ])
  })
})

describe('a file', () => {
  test.each([
    ['not = [valid', /not valid TOML/],
    ['[registries.search]\nregistries = ["a"]', /version 1/],
    ['[[registry]]\ninsecure = true', /neither prefix nor location/],
  ])('of %j is refused', async (content, message) => {
    await expect(parseRegistryRules(content, 'registries.conf')).rejects.toThrow(message)
  })
})
