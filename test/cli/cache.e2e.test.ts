/** `wherry cache`: what is cached, why it is there, and how it goes. */
import { randomBytes } from 'node:crypto'
import { readdirSync, statSync, truncateSync, utimesSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Home, newHome } from '../support/wherry.ts'

describe('wherry cache', () => {
  let home: Home
  beforeAll(async () => {
    home = await newHome()
    const context = join(home.dir, 'context')
    await mkdir(context)
    await writeFile(join(context, 'file'), 'x'.repeat(5000))
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY file /a\nCOPY file /b\n')
    await home.ok('build', '-t', 'cached', context)
  })
  afterAll(() => home.remove())

  test('ls lists steps with size and instruction', async () => {
    const rows = (await home.ok('cache', 'ls', '--format', '{{.Where}} {{.Instruction}}')).split('\n')
    expect(new Set(rows)).toEqual(new Set(['here COPY file /a', 'here COPY file /b']))
    expect(await home.ok('cache', 'ls')).toMatch(/^KEY +LAST USED +SIZE +WHERE +INSTRUCTION\n/)
  })

  test('explain tells all of one step', async () => {
    const [key = ''] = (await home.ok('cache', 'ls', '-q')).split('\n')
    const step = JSON.parse(await home.ok('cache', 'explain', key)) as { key: string; layer: { isHere: boolean } }
    expect(step.key).toMatch(new RegExp(`^sha256:${key}`))
    expect(step.layer).toMatchObject({ isHere: true, forms: [expect.objectContaining({ isHere: true })] })
    const unknown = await home.run(['cache', 'explain', 'ffffffffffff'])
    expect(unknown.code).toBe(2)
    expect(unknown.stderr).toContain('no cached step')
  })

  describe('prune --folder', () => {
    const context = (): string => join(home.dir, 'context')
    const build = async (name: string, ...args: string[]): Promise<string> => {
      const ran = await home.run(['build', '--progress=plain', '--root', join(home.dir, name), ...args, context()])
      expect(ran.code, ran.stdout + ran.stderr).toBe(0)
      return ran.stdout + ran.stderr
    }
    const fill = (folder: string, name: string): Promise<string> =>
      build(name, `--cache-to=type=local,dest=${folder},mode=max,emulated=true`)
    const from = (folder: string, name: string): Promise<string> => build(name, `--cache-from=type=local,src=${folder}`)
    const blobs = (folder: string): string[] =>
      readdirSync(join(folder, 'blobs/sha256')).map((name) => join(folder, 'blobs/sha256', name))

    test('deletes what was used longest ago, down to a size', async () => {
      const folder = join(home.dir, 'shared')
      await fill(folder, 'first')
      const old = new Date(Date.now() - 15 * 24 * 3600 * 1000)
      for (const path of blobs(folder)) utimesSync(path, old, old)
      await writeFile(join(context(), 'file'), randomBytes(50_000))
      await fill(folder, 'second')
      const before = blobs(folder).length
      expect(await home.ok('cache', 'prune', '--dry-run', '--folder', folder)).toMatch(
        /^\d+ blobs, [1-9]\d* records\nReclaimable/,
      )
      expect(blobs(folder)).toHaveLength(before)
      expect(await home.ok('cache', 'prune', '-f', '--folder', folder)).toMatch(
        /^[1-9]\d* blobs, [1-9]\d* records\nTotal reclaimed/,
      )
      expect(blobs(folder).length).toBeLessThan(before)
      expect(await from(folder, 'third')).not.toMatch(/\] DONE|is of no use/)
      expect(await home.ok('cache', 'prune', '-f', '--keep-storage=1g', '--folder', folder)).toMatch(
        /^0 blobs, 0 records/,
      )
      expect(await home.ok('cache', 'prune', '-f', '--keep-storage=20k', '--folder', folder)).toMatch(
        /^[1-9]\d* blobs, [1-9]\d* records/,
      )
      expect(blobs(folder).every((path) => statSync(path).size < 20_000)).toBe(true)
      await home.ok('cache', 'prune', '-af', '--folder', folder)
      expect(blobs(folder)).toEqual([])
      expect(await from(folder, 'fourth')).toMatch(/\] DONE/)
    })

    test('keeps what a build has used since, if it may note that', async () => {
      const folder = join(home.dir, 'used')
      await fill(folder, 'used-1')
      const old = new Date(Date.now() - 15 * 24 * 3600 * 1000)
      for (const path of blobs(folder)) utimesSync(path, old, old)
      await from(folder, 'used-2')
      expect(await home.ok('cache', 'prune', '-f', '--folder', folder)).toMatch(/ 0B$/)
    })

    test('touches nothing that is no cache', async () => {
      const missing = await home.run(['cache', 'prune', '-f', '--folder', join(home.dir, 'nothing')])
      expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('holds no cache')])
      const image = join(home.dir, 'image')
      await build('image-store', '-o', `type=oci,dest=${image},tar=false`)
      await fill(image, 'image-cache')
      const mixed = await home.run(['cache', 'prune', '-af', '--folder', image])
      expect([mixed.code, mixed.stderr]).toEqual([2, expect.stringContaining('holds not only a cache')])
      // The image is still named, and found.
      expect(await from(image, 'mixed')).not.toMatch(/\] DONE/)
    })
  })

  test('an index.json that was cut is one warning, and made anew', async () => {
    const folder = join(home.dir, 'cut')
    const both = [`--cache-from=type=local,src=${folder}`, `--cache-to=type=local,dest=${folder},emulated=true`]
    const build = async (name: string): Promise<string> => {
      const ran = await home.run([
        'build',
        '--progress=plain',
        '--root',
        join(home.dir, name),
        ...both,
        join(home.dir, 'context'),
      ])
      expect(ran.code, ran.stdout + ran.stderr).toBe(0)
      return ran.stdout + ran.stderr
    }
    await build('cut-1')
    truncateSync(join(folder, 'index.json'), 100)
    const said = await build('cut-2')
    expect(said.match(/is not used: .*index\.json is damaged/g)).toHaveLength(1)
    expect(said).toMatch(/\] DONE/)
    expect(await build('cut-3')).not.toMatch(/\] DONE/)
  })

  test('prune deletes steps, and no image', async () => {
    await home.ok('cache', 'prune', '-f')
    expect(await home.ok('cache', 'ls', '-q')).not.toBe('')
    const said = await home.ok('cache', 'prune', '-f', '--all')
    expect(said).toContain('cached steps')
    expect(await home.ok('cache', 'ls', '-q')).toBe('')
    expect(await home.ok('images', '-q')).not.toBe('')
  })
})
