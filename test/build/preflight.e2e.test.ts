/** Before a build that pushes, the registry is asked whether it may: a refusal costs no step. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type FaultProxy, asks, respond, startFaultProxy } from '../support/fault-proxy.ts'
import { type Home, type ServedRegistry, newHome, serveRegistry } from '../support/wherry.ts'

let home: Home
let registry: ServedRegistry
let proxy: FaultProxy
let context: string

beforeAll(async () => {
  home = await newHome()
  registry = await serveRegistry(home)
  proxy = await startFaultProxy(registry.address)
  context = join(home.dir, 'context')
  await mkdir(context)
  await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\nLABEL long=build\n')
})
afterAll(async () => {
  await proxy.close()
  await registry.stop()
  await home.remove()
})

const refuse = (): void => {
  proxy.seen.length = 0
  proxy.faults.push({
    when: asks('POST', /uploads/),
    times: 1,
    act: respond(403, {}, '{"errors":[{"code":"DENIED"}]}'),
  })
}

it.each([
  ['--push', (name: string) => ['-t', name, '--push']],
  ['--output type=registry', (name: string) => ['--output', `type=registry,name=${name}`]],
])('a refusal ends %s before the first step', async (_how, options) => {
  refuse()
  const name = `${proxy.address}/team/app:1`
  const ran = await home.run(['build', '--progress=plain', ...options(name), context])
  expect(ran.code).toBe(1)
  expect(ran.stderr).toContain(
    `the check for the right to push of ${proxy.address}/team/app failed: the registry answered 403: DENIED`,
  )
  expect(ran.stderr).toContain('--no-preflight builds without this check')
  expect(ran.stderr).not.toContain('COPY Dockerfile')
  expect(proxy.seen.filter(({ line }) => line.startsWith('PUT'))).toEqual([])
})

it('with --no-preflight nothing is asked before the image is pushed', async () => {
  proxy.seen.length = 0
  await home.ok('build', '--no-preflight', '-t', `${proxy.address}/team/app:1`, '--push', context)
  expect(proxy.seen.filter(({ line }) => line.startsWith('DELETE'))).toEqual([])
  expect(proxy.seen.at(-1)?.line).toBe('PUT /v2/team/app/manifests/1')
})

it('each repository is asked once, and an upload that was begun is cancelled', async () => {
  proxy.seen.length = 0
  const tags = ['app:1', 'app:2', 'other:1'].flatMap((name) => ['-t', `${proxy.address}/team/${name}`])
  await home.ok('build', ...tags, '--push', context)
  const cancelled = proxy.seen.map(({ line }) => line).filter((line) => line.startsWith('DELETE'))
  expect(cancelled.map((line) => line.split('/blobs')[0]).sort()).toEqual([
    'DELETE /v2/team/app',
    'DELETE /v2/team/other',
  ])
})

it('without a push no registry is asked', async () => {
  proxy.seen.length = 0
  await home.ok('build', '-t', `${proxy.address}/team/app:3`, context)
  expect(proxy.seen).toEqual([])
})
