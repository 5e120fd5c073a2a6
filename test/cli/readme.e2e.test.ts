/** The commands of the README, in their order, from the repository's folder. */
import { readFileSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lacks, noUserNamespace } from '../support/need.ts'
import { type Home, newHome } from '../support/wherry.ts'

const root = join(import.meta.dirname, '../..')

/** Lines of fenced `sh` blocks that call wherry, as arguments. */
function commandsOf(file: string): string[][] {
  const blocks = [...readFileSync(join(root, file), 'utf8').matchAll(/^```sh\n(.*?)^```/gms)]
  const lines = blocks.flatMap((block) => block[1]!.split('\n'))
  return lines.filter((line) => line.startsWith('npx wherry ')).map((line) => line.split(/\s+/).slice(2))
}

describe.skipIf(lacks('userns', noUserNamespace()))('the README', () => {
  let home: Home
  beforeAll(async () => {
    home = await newHome()
    await cp(join(root, 'fixtures'), join(home.dir, 'fixtures'), { recursive: true })
  })
  afterAll(async () => {
    await Promise.all(
      ['/tmp/hello-oci.tar', '/tmp/hello-files'].map((path) => rm(path, { recursive: true, force: true })),
    )
    await home.remove()
  })

  it('has commands', () => {
    expect(commandsOf('README.md').length).toBeGreaterThan(10)
  })

  it('says only what works', async () => {
    for (const args of commandsOf('README.md')) {
      const ran = await home.run(args)
      expect(ran.code, `wherry ${args.join(' ')}\n${ran.stdout}${ran.stderr}`).toBe(0)
    }
  })
})
