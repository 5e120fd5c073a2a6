/** The commands of docs/images.md, in their order. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { lacks } from '../support/need.ts'
import { type Home, type ServedRegistry, newHome, serveRegistry } from '../support/wherry.ts'

const text = readFileSync(join(import.meta.dirname, '../../docs/images.md'), 'utf8')
const lines = [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, body = '']) => body.trim().split('\n'))

let home: Home
let registry: ServedRegistry
let context: string

beforeAll(async () => {
  home = await newHome()
  registry = await serveRegistry(home)
  context = join(home.dir, 'context')
  await mkdir(context)
  await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\nLABEL tier=front\nCMD ["/x"]\n')
  await home.ok('build', '-q', '--push', '-t', `${registry.address}/me/app`, context)
})
afterAll(async () => {
  await registry.stop()
  await home.remove()
})

/** Words of a command line: what stands in double quotes is one. */
function wordsOf(line: string): string[] {
  const [, args = ''] = /^npx wherry (.*)$/.exec(line) ?? []
  const words = [...args.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
  return words.map((word) => word.replaceAll('$REGISTRY', registry.address))
}

const hasDot = spawnSync('dot', ['-V']).error === undefined

it.skipIf(lacks('tools', hasDot ? undefined : 'graphviz is not installed'))('dot draws what --viz writes', async () => {
  const graph = await home.ok('images', '-a', '--viz')
  const drawn = spawnSync('dot', ['-Tpng'], { input: graph })
  expect(drawn.stderr.toString()).toBe('')
  expect(drawn.stdout.subarray(1, 4).toString()).toBe('PNG')
})

it('docs/images.md says only what works', async () => {
  expect(lines.length).toBeGreaterThan(25)
  for (const line of lines) {
    const ran = await home.run(wordsOf(line), { cwd: context })
    expect(ran.code, `${line}\n${ran.stdout}${ran.stderr}`).toBe(0)
  }
  expect(await home.ok('images', '-aq')).toBe('')
})

it('what the table of contents of docs/cli.md has on images, docs/images.md shows', () => {
  const verbs = ['images', 'history', 'inspect', 'tag', 'untag', 'rmi', 'system df', 'prune', 'info', 'version']
  for (const verb of verbs) expect(lines.some((line) => line.startsWith(`npx wherry ${verb}`))).toBe(true)
})
