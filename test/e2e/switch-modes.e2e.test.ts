/** One store under builds in different modes: what single mode made never serves a build that can be exact. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacks, noFullMap, noUserNamespace } from '../support/need.ts'
import { type Home, newHome } from '../support/wherry.ts'

const unfit = [lacks('userns', noUserNamespace()), lacks('mapped', noFullMap())].includes(true)

describe.skipIf(unfit)('a store that builds of both modes share', () => {
  let home: Home
  let context: string
  beforeAll(async () => {
    home = await newHome()
    context = join(home.dir, 'context')
    await mkdir(context)
    await writeFile(join(context, 'file'), 'text\n')
    const lines = ['FROM test/base', 'RUN echo x > /ran && chown 7:8 /ran', 'COPY file /', 'RUN cat /file /ran']
    await writeFile(join(context, 'Dockerfile'), `${lines.join('\n')}\n`)
    await home.ok('base', 'host', '-t', 'test/base')
  })
  afterAll(() => home.remove())

  /** Which of the two RUNs and the COPY were cached. */
  async function cached(isolation: string, ...more: string[]): Promise<number> {
    const { code, stderr, stdout } = await home.run([
      'build',
      '--progress=plain',
      '--isolation',
      isolation,
      ...more,
      context,
    ])
    expect(code, stderr).toBe(0)
    if (isolation === 'mapped') expect(stderr).not.toContain('single mode')
    return (stdout + stderr).match(/ CACHED$/gm)?.length ?? 0
  }

  test('keeps what each made apart, where it has to', async () => {
    expect(await cached('single')).toBe(0)
    expect(await cached('single')).toBe(3)
    // COPY depends on no mode, but what it lies on does.
    expect(await cached('mapped')).toBeLessThan(2)
    expect(await cached('mapped')).toBe(3)
    expect(await cached('single')).toBe(3)
    expect(await cached('single', '--no-cache')).toBe(0)
    // What was built last is what is known of the steps.
    expect(await cached('mapped')).toBeLessThan(2)
  })
})
