/** An installation of packages with one id is, entry by entry, the one with all ids. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { imageEntries } from '../support/image-entries.ts'
import { lacks, noFullMap, noMirror, noRegistry, noUserNamespace, testRegistry } from '../support/need.ts'
import { type Home, fixtures, newHome } from '../support/wherry.ts'

const unfit = [
  lacks('userns', noUserNamespace()),
  lacks('mapped', noFullMap()),
  lacks('registry', noRegistry()),
  lacks('network', noMirror()),
].includes(true)

/** Logs and caches, which hold times. */
const volatile = /^var\/(log|cache)\/|^etc\/ld\.so\.cache$|^var\/lib\/systemd\//

describe.skipIf(unfit)('mapped and single mode make the same', () => {
  let home: Home
  beforeAll(async () => {
    home = await newHome()
  })
  afterAll(() => home.remove())

  test('nginx from packages, with a user and a capability', async () => {
    const entries = async (isolation: string): Promise<Map<string, unknown>> => {
      const dest = join(home.dir, `${isolation}.tar`)
      const base = ['--build-arg', `BASE=${testRegistry}/conformance/debian`, '--isolation', isolation]
      const context = join(fixtures, 'nginx')
      await home.ok('build', '--progress=plain', '--no-cache', ...base, '--output', `type=tar,dest=${dest}`, context)
      const all = imageEntries(dest)
      return new Map(
        [...all].map(([path, { sha256, ...entry }]) => [path, volatile.test(path) ? entry : { ...entry, sha256 }]),
      )
    }
    const mapped = await entries('mapped')
    expect(mapped.get('var/lib/nginx')).toMatchObject({ uid: 990 })
    expect(mapped.get('var/log/nginx/access.log') ?? mapped.get('var/log/nginx')).toMatchObject({ uid: 990 })
    expect(await entries('single')).toEqual(mapped)
  })
})
