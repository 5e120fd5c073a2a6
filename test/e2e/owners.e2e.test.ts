/** An image built with one id is, entry by entry, the one built with all: owners, groups, modes, devices, capabilities, links and bytes. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { imageEntries } from '../support/image-entries.ts'
import { lacks, noFullMap, noRegistry, noUserNamespace, testRegistry } from '../support/need.ts'
import { type Home, fixtures, newHome } from '../support/wherry.ts'

const unfit = [lacks('userns', noUserNamespace()), lacks('mapped', noFullMap())].includes(true)

describe.skipIf(unfit)('mapped and single mode make the same', () => {
  let home: Home
  beforeAll(async () => {
    home = await newHome()
    await home.ok('base', 'host', '-t', 'test/base')
  })
  afterAll(() => home.remove())

  /** Builds in both modes over one store, and returns what the images hold. */
  async function both(
    folder: string,
    ...args: string[]
  ): Promise<[ReadonlyMap<string, unknown>, ReadonlyMap<string, unknown>]> {
    const build = async (isolation: string): Promise<ReadonlyMap<string, unknown>> => {
      const dest = join(home.dir, `${isolation}.tar`)
      const output = ['--isolation', isolation, '--output', `type=tar,dest=${dest}`]
      await home.ok('build', '--progress=plain', '--no-cache', ...output, ...args, join(fixtures, folder))
      return imageEntries(dest)
    }
    return [await build('mapped'), await build('single')]
  }

  test('hello', async () => {
    const [mapped, single] = await both('hello', '--build-arg', 'BASE=test/base')
    expect(mapped.size).toBeGreaterThan(10)
    expect(single).toEqual(mapped)
  })

  const noDebian = lacks('registry', noRegistry())
  test.skipIf(noDebian)('users, owners, links, devices, capabilities, copies and archives', async () => {
    const base = ['--build-arg', `BASE=${testRegistry}/conformance/debian`]
    const [mapped, single] = await both('users', '--target', 'built', ...base)
    expect(mapped.get('etc/shadow')).toMatchObject({ uid: 0, gid: 42 })
    expect(mapped.get('devices/disk')).toMatchObject({ type: 'block', gid: 6, mode: 0o640, device: [8, 300] })
    expect(mapped.get('data/bind')).toMatchObject({
      uid: 990,
      mode: 0o4755,
      xattrs: [expect.stringMatching(/capability/)],
    })
    expect(mapped.get('srv/site/private')).toMatchObject({ uid: 990, gid: 990, mode: 0o600 })
    expect(single).toEqual(mapped)
    const [mappedCopy, singleCopy] = await both('users', ...base)
    expect(mappedCopy.get('devices/null')).toMatchObject({ type: 'char', device: [1, 3] })
    expect(singleCopy).toEqual(mappedCopy)
  })
})
