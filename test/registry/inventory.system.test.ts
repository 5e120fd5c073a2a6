/** What is told of credentials: names of servers and helpers, and nothing that is secret. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { registryInventory } from '../../src/registry/inventory.ts'

const home = mkdtempSync(join(tmpdir(), 'wherry-inventory-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))
const conf = join(home, 'registries.conf')
const env = { HOME: home, CONTAINERS_REGISTRIES_CONF: conf }
mkdirSync(join(home, '.docker'))

test('names servers, helpers and rules without a secret', async () => {
  const auth = Buffer.from('me:very-secret').toString('base64')
  const config = {
    auths: { 'https://index.docker.io/v1/': { auth }, 'ghcr.io': { identitytoken: 'very-secret' }, 'kept.example': {} },
    credsStore: 'pass',
    credHelpers: { 'public.ecr.aws': 'ecr-login' },
  }
  writeFileSync(join(home, '.docker', 'config.json'), JSON.stringify(config))
  writeFileSync(conf, '[[registry]]\nprefix = "docker.io"\n[[registry.mirror]]\nlocation = "mirror.example"\n')
  const inventory = await registryInventory(env)
  expect(inventory).toEqual({
    files: [
      {
        path: join(home, '.docker', 'config.json'),
        servers: ['docker.io', 'ghcr.io'],
        helpers: [
          { program: 'docker-credential-pass' },
          { server: 'public.ecr.aws', program: 'docker-credential-ecr-login' },
        ],
      },
    ],
    rules: ['docker.io (mirror mirror.example)'],
    problems: [],
  })
  const text = JSON.stringify(inventory)
  expect([text.includes('very-secret'), text.includes(auth), text.includes('me:')]).toEqual([false, false, false])
})

test('tells what cannot be read', async () => {
  writeFileSync(join(home, '.docker', 'config.json'), '{"auths": very-secret')
  writeFileSync(conf, '= =')
  const { files, problems } = await registryInventory(env)
  expect(files).toEqual([])
  expect(problems).toHaveLength(2)
  expect(problems.join()).not.toContain('very-secret')
})
