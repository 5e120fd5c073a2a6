/** The commands of docs/cache.md, in their order. */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { newHome, serveRegistry } from '../support/wherry.ts'

const text = readFileSync(join(import.meta.dirname, '../../docs/cache.md'), 'utf8')

it('docs/cache.md says only what works', async () => {
  const home = await newHome()
  const registry = await serveRegistry(home)
  const context = join(home.dir, 'context')
  try {
    await mkdir(context)
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n')
    await home.ok('build', context)
    const [key = ''] = (await home.ok('cache', 'ls', '-q')).split('\n')
    const lines = [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, body = '']) => body.trim().split('\n'))
    expect(lines.length).toBeGreaterThan(8)
    for (const line of lines) {
      const [, args = ''] = /^npx wherry (.*)$/.exec(line) ?? []
      const words = args.replaceAll('$REGISTRY', registry.address).replace('$KEY', key).split(' ')
      const ran = await home.run(words, { cwd: context })
      expect(ran.code, `${line}\n${ran.stdout}${ran.stderr}`).toBe(0)
    }
  } finally {
    await registry.stop()
    await home.remove()
  }
})
