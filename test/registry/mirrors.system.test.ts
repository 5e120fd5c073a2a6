/** Mirrors and insecure registries of registries.conf, against real registries. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { BuildEvent } from '../../src/core/events.ts'
import { quietScope } from '../../src/core/scope.ts'
import { createRegistryClient } from '../../src/registry/client.ts'
import type { RegistryClient } from '../../src/registry/contract.ts'
import { asks, respond } from '../support/fault-proxy.ts'
import { retry, useFaultyRegistry } from '../support/faulty-registry.ts'
import { pushTestImage, readAll } from '../support/registries.ts'
import { tempDir } from '../support/temp.ts'

const registry = useFaultyRegistry()
const scope = quietScope()
/** A registry that is nowhere: only a mirror can answer for it. */
const absent = { registry: 'registry.invalid', repository: 'team/app' }

const clientFor = (conf: string): RegistryClient => {
  const path = join(tempDir(), 'registries.conf')
  writeFileSync(path, conf)
  return createRegistryClient({ env: { CONTAINERS_REGISTRIES_CONF: path }, retry: { ...retry, tries: 2 } })
}

test('a mirror answers for its registry, under its own path', async () => {
  const { manifest, layer } = await pushTestImage(registry.direct, registry.behind('copy/team/app'), 'v1')
  const client = clientFor(`
[[registry]]
prefix = "registry.invalid"
[[registry.mirror]]
location = "${registry.proxy.address}/copy"
`)
  expect(await client.resolve(absent, 'v1', scope)).toEqual(manifest.descriptor)
  expect((await client.manifest(absent, 'v1', scope)).bytes.equals(manifest.bytes)).toBe(true)
  expect((await readAll(await client.blob(absent, layer.descriptor, scope))).equals(layer.bytes)).toBe(true)
})

test('a mirror that fails or lacks the image is passed over, and said so', async () => {
  const { manifest } = await pushTestImage(registry.direct, registry.behind('home/app'), 'v1')
  registry.proxy.faults.push({ when: asks('HEAD', /broken/), times: 99, act: respond(403) })
  registry.proxy.faults.push({ when: asks('GET', /broken/), times: 99, act: respond(403) })
  const at = registry.proxy.address
  const client = clientFor(`
[[registry]]
prefix = "registry.invalid/team"
location = "${registry.upstream.address}/home"
[[registry.mirror]]
location = "${at}/broken"
[[registry.mirror]]
location = "${at}/empty"
`)
  const events: BuildEvent[] = []
  const found = await client.resolve(absent, 'v1', { ...scope, emit: (event) => void events.push(event) })
  expect(found).toEqual(manifest.descriptor)
  expect(events).toMatchObject([{ type: 'message', text: expect.stringContaining(`mirror ${at}`) as string }])
})

test('pushes go to the registry itself, never to a mirror', async () => {
  const client = clientFor(`
[[registry]]
prefix = "registry.invalid"
location = "${registry.upstream.address}/target"
[[registry.mirror]]
location = "${registry.proxy.address}/mirror"
`)
  await pushTestImage(client, absent, 'pushed')
  expect(await registry.direct.resolve(registry.behind('target/team/app'), 'pushed', scope)).toBeDefined()
  expect(registry.proxy.seen).toEqual([])
})

test('an insecure registry may speak plain http', async () => {
  await pushTestImage(registry.direct, registry.behind('app'), 'v1')
  const host = registry.proxy.address.replace('127.0.0.1', '0.0.0.0')
  const client = clientFor(`[[registry]]\nlocation = "${host}"\ninsecure = true\n`)
  expect(await client.resolve({ registry: host, repository: 'app' }, 'v1', scope)).toBeDefined()
})

test('errors name the image as the user does', async () => {
  const client = clientFor(`[[registry]]\nprefix = "registry.invalid"\nlocation = "${registry.upstream.address}"\n`)
  await expect(client.manifest(absent, 'v1', scope)).rejects.toThrow('registry.invalid/team/app has no manifest "v1"')
})
