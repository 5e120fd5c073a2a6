/** The small fixtures, on a base image from the machine itself. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacks, noUserNamespace } from '../support/need.ts'
import { type Home, fixtures, newHome } from '../support/wherry.ts'

interface Inspected {
  readonly Author?: string
  readonly Config: {
    readonly Cmd?: readonly string[]
    readonly Entrypoint?: readonly string[]
    readonly OnBuild?: readonly string[] | null
    readonly User?: string
  }
}

describe.skipIf(lacks('userns', noUserNamespace()))('the fixture', () => {
  let home: Home
  beforeAll(async () => {
    home = await newHome()
    await home.ok('base', 'host', '-t', 'test/base')
  })
  afterAll(() => home.remove())

  const build = (folder: string, tag: string, ...more: string[]): Promise<string> =>
    home.ok('build', '-q', '--build-arg', 'BASE=test/base', '-t', tag, ...more, join(fixtures, folder))

  async function inspect(name: string): Promise<Inspected> {
    const [image] = JSON.parse(await home.ok('inspect', name)) as [Inspected]
    return image
  }

  test('hello runs two stages, as nobody', async () => {
    expect(await build('hello', 'hello')).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(await home.ok('run', '--rm', 'hello', 'again')).toBe('Hello, ferryman, again! I am uid 65534.')
    expect((await inspect('hello')).Config.User).toBe('nobody')
  })

  test('date has an author and a command in shell form', async () => {
    await build('date', 'date')
    const { Author, Config } = await inspect('date')
    expect(Author).toBe('A Ferryman <ferryman@example.com>')
    expect(Config.Cmd).toEqual(['/bin/sh', '-c', 'date'])
    expect(await home.ok('run', '--rm', 'date')).toMatch(/\d\d:\d\d:\d\d/)
  })

  test('echo has a command in exec form', async () => {
    await build('echo', 'echo')
    expect((await inspect('echo')).Config.Cmd).toEqual(['echo', 'Hello from an exec form'])
    expect(await home.ok('run', '--rm', 'echo')).toBe('Hello from an exec form')
  })

  test('scratch holds one file and no base', async () => {
    const dest = join(home.dir, 'scratch-out')
    await mkdir(dest)
    await build('scratch', 'scratch', '--output', `type=local,dest=${dest}`)
    expect(await readFile(join(dest, 'message.txt'), 'utf8')).toBe('Nothing but this file.\n')
  })

  test('onbuild: triggers run in the child and not in the grandchild', async () => {
    await build('onbuild/parent', 'wherry/onbuild-parent')
    expect((await inspect('wherry/onbuild-parent')).Config.OnBuild).toHaveLength(2)
    await home.ok('build', '-q', '-t', 'wherry/onbuild-child', join(fixtures, 'onbuild/child'))
    expect((await inspect('wherry/onbuild-child')).Config.OnBuild ?? []).toEqual([])
    await home.ok('build', '-q', '-t', 'grandchild', join(fixtures, 'onbuild/grandchild'))
    expect(await home.ok('run', '--rm', 'grandchild', 'cat', '/parent', '/child', '/grandchild', '/app/size')).toBe(
      'parent\nchild\ngrandchild\n15',
    )
  })
})
