/** The question whether one may push: what is asked of the registry, and how its answer is told. */
import { expect, test } from 'vitest'
import { quietScope } from '../../src/core/scope.ts'
import { asks, respond } from '../support/fault-proxy.ts'
import { useFaultyRegistry } from '../support/faulty-registry.ts'

const registry = useFaultyRegistry()
const scope = quietScope()

test('an upload is begun and cancelled, with a token that may push', async () => {
  registry.proxy.auth = { kind: 'bearer' }
  await registry.clientWith().checkPush(registry.at('team/app'), scope)
  expect(registry.lines(/uploads/).map((line) => line.replace(/[^/]+$/, ''))).toEqual([
    'POST /v2/team/app/blobs/uploads/',
    'DELETE /v2/team/app/blobs/uploads/',
  ])
  expect(registry.proxy.tokenRequests[0]?.scopes).toEqual(['repository:team/app:pull,push'])
})

test.each([404, 405, 500])(
  'a registry that answers the cancelling by %d is no reason against the push',
  async (status) => {
    registry.proxy.faults.push({ when: asks('DELETE', /uploads/), times: 9, act: respond(status) })
    await expect(registry.clientWith().checkPush(registry.at('app'), scope)).resolves.toBeUndefined()
  },
)

test.each([401, 403])('a %d is told with registry, repository and the registry’s words', async (status) => {
  const words = '{"errors":[{"code":"DENIED","message":"read only for you"}]}'
  registry.proxy.faults.push({ when: asks('POST', /uploads/), times: 9, act: respond(status, {}, words) })
  await expect(
    registry.clientWith({ username: 'u', password: 'p' }).checkPush(registry.at('app'), scope),
  ).rejects.toMatchObject({
    code: 'auth-failed',
    message: `the check for the right to push of ${registry.proxy.address}/app failed: the registry answered ${status}: read only for you (DENIED)`,
  })
})
