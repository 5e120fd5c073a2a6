/** The commands of docs/registry.md, in their order, as one shell script. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { lacks, missingTools } from '../support/need.ts'
import { finished, freePort, newHome } from '../support/wherry.ts'

const root = join(import.meta.dirname, '../..')
const text = readFileSync(join(root, 'docs/registry.md'), 'utf8')
const lines = [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, body = '']) => body.trim().split('\n'))
const isMissing = lacks('tools', missingTools('bash', 'openssl', 'htpasswd', 'skopeo'))

it.skipIf(isMissing)('docs/registry.md says only what works', async () => {
  const home = await newHome()
  const port = String(await freePort())
  const work = join(home.dir, 'work')
  await mkdir(work)
  await writeFile(join(work, 'Dockerfile'), 'FROM scratch\nCOPY hello.txt /\n')
  await writeFile(join(work, 'hello.txt'), 'hello\n')
  // A command with & behind it is a server: the next one waits until it answers.
  const answers = `server=$!; trap 'kill $server; wait' EXIT; until (: < /dev/tcp/127.0.0.1/${port}) 2> /dev/null; do kill -0 $server; sleep 0.1; done`
  const script = lines
    .map((line) =>
      line.replaceAll('5443', port).replaceAll('npx wherry', `"${process.execPath}" "${root}/bin/wherry.js"`),
    )
    .flatMap((line) => (line.endsWith('&') ? [line, answers] : [line]))
  try {
    const shell = spawn('bash', ['-ec', ['set -o pipefail -x', ...script].join('\n')], {
      cwd: work,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: home.dir, XDG_DATA_HOME: join(home.dir, 'data') },
    })
    const ran = await finished(shell)
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    expect(ran.stderr).toMatch(/DELETE \/v2\/team\/app\/manifests\/\S+ 202/)
    expect(lines.length).toBeGreaterThan(10)
  } finally {
    await home.remove()
  }
})

it('docs/registry.md lists every variable that stands for an option', () => {
  const source = readFileSync(join(root, 'src/cli/serve-settings.ts'), 'utf8')
  const known = [...source.matchAll(/(?:: |Variable = )'(REGISTRY_[A-Z_]+[A-Z])'/g)].map((match) => match[1])
  const listed = [...text.matchAll(/^\| `(REGISTRY_[A-Z_]+)`/gm)].map((match) => match[1])
  expect(listed.length).toBeGreaterThan(10)
  expect(new Set(listed)).toEqual(new Set(known))
})
