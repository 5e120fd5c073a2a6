/** The commands of docs/registries.md, in their order, and its table of defaults. */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parseDuration } from '../../src/dockerfile/duration.ts'
import { defaultRetryPolicy } from '../../src/http/retry.ts'
import { parseRegistryRules } from '../../src/registry/config.ts'
import { newHome, serveRegistry } from '../support/wherry.ts'

const text = readFileSync(join(import.meta.dirname, '../../docs/registries.md'), 'utf8')
const blocks = (kind: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\``, 'gms'))].map(([, body = '']) => body)

it('docs/registries.md says only what works', async () => {
  const home = await newHome()
  const registry = await serveRegistry(home)
  const context = join(home.dir, 'context')
  try {
    await mkdir(context)
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n')
    const lines = blocks('sh').flatMap((body) => body.trim().split('\n'))
    expect(lines.length).toBeGreaterThan(8)
    for (const line of lines) {
      const [, args = '', , from] = /^npx wherry (.*?)( < (\S+))?$/.exec(line) ?? []
      const words = args.replaceAll('$REGISTRY', registry.address).split(' ')
      const ran = await home.run(words, { cwd: context, ...(from !== undefined && { input: 'secret\n' }) })
      expect(ran.code, `${line}\n${ran.stdout}${ran.stderr}`).toBe(0)
    }
  } finally {
    await registry.stop()
    await home.remove()
  }
})

it('docs/registries.md has a registries.conf that is one', async () => {
  for (const body of blocks('toml')) {
    const rules = await parseRegistryRules(body, 'registries.conf')
    expect(rules.map(({ prefix, mirrors, primary }) => [prefix, mirrors.length, primary.insecure])).toEqual([
      ['docker.io', 1, false],
      ['old.example.com:5000', 0, true],
    ])
  }
})

it('docs/registries.md has the defaults of retries', () => {
  const defaults = new Map(
    [...text.matchAll(/^\| `--([a-z-]+)[^`]*` \| (\S+) \|/gm)].map(([, name, value]) => [name, value]),
  )
  expect(Number(defaults.get('retry'))).toBe(defaultRetryPolicy.tries - 1)
  expect(parseDuration(defaults.get('retry-delay') ?? '') / 1e6).toBe(defaultRetryPolicy.baseMs)
  expect(parseDuration(defaults.get('timeout') ?? '') / 1e6).toBe(defaultRetryPolicy.totalMs)
})
