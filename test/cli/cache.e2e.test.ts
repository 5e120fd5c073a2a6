/** `wherry cache`: what is cached, why it is there, and how it goes. */
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

  test('prune deletes steps, and no image', async () => {
    await home.ok('cache', 'prune', '-f')
    expect(await home.ok('cache', 'ls', '-q')).not.toBe('')
    const said = await home.ok('cache', 'prune', '-f', '--all')
    expect(said).toContain('cached steps')
    expect(await home.ok('cache', 'ls', '-q')).toBe('')
    expect(await home.ok('images', '-q')).not.toBe('')
  })
})
