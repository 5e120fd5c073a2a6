/** What a RUN step must not be able to write although root runs wherry. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacks, noUserNamespace } from '../support/need.ts'
import { type Home, newHome } from '../support/wherry.ts'

const forbidden = [
  '/proc/sys/kernel/core_pattern',
  '/proc/sys/kernel/hostname',
  '/proc/sys/vm/drop_caches',
  '/proc/sysrq-trigger',
  '/sys/kernel/mm/transparent_hugepage/enabled',
  '/sys/power/state',
  '/sys/module/kernel/parameters/panic',
]

/** Tries to open each for writing, without writing; names those that it could. */
const probe = forbidden.map(
  (path) => `if [ -e ${path} ] && (: >> ${path}) 2>/dev/null; then echo "CAN WRITE ${path}"; fi`,
)

describe.skipIf(lacks('userns', noUserNamespace())).each(['mapped', 'single'])('in %s mode', (isolation) => {
  const root = process.getuid?.() === 0
  let home: Home
  beforeAll(async () => {
    home = await newHome()
    await home.ok('base', 'host', '-t', 'test/base')
  })
  afterAll(() => home.remove())

  async function output(...commands: string[]): Promise<string> {
    const context = join(home.dir, 'context')
    await mkdir(context, { recursive: true })
    await writeFile(join(context, 'Dockerfile'), `FROM test/base\nRUN <<EOF\n${commands.join('\n')}\nEOF\n`)
    const ran = await home.run(['build', '--no-cache', '--progress=plain', '--isolation', isolation, context])
    expect(ran.code, ran.stderr).toBe(0)
    return ran.stdout + ran.stderr
  }

  test.skipIf(isolation === 'mapped' && !root)('no step writes to the kernel or its devices', async () => {
    const text = await output(...probe, 'echo probed')
    expect(text).toContain('probed')
    expect(text).not.toContain('CAN WRITE')
  })

  test.skipIf(isolation === 'mapped' && !root)('no step writes to a file of the host', async () => {
    const secret = join(home.dir, 'host-file')
    await writeFile(secret, 'untouched', { mode: 0o666 })
    const ways = [secret, `/proc/1/root${secret}`, `/proc/self/root${secret}`, `/proc/1/cwd/../../../../..${secret}`]
    await output(...ways.map((path) => `(echo spoilt > ${path}) 2>/dev/null`), 'true')
    expect(await readFile(secret, 'utf8')).toBe('untouched')
  })
})
