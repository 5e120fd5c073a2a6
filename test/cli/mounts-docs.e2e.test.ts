/** The examples of docs/mounts.md, in their order: a Dockerfile is built by the commands below it. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { lacks, missingTools, noUserNamespace } from '../support/need.ts'
import { newHome } from '../support/wherry.ts'

const text = readFileSync(join(import.meta.dirname, '../../docs/mounts.md'), 'utf8')
const blocks = [...text.matchAll(/^```(sh|dockerfile)\n(.*?)^```/gms)].map(([, kind, body = '']) => ({ kind, body }))
const isMissing =
  lacks('userns', noUserNamespace()) || lacks('tools', missingTools('ssh-agent', 'ssh-add', 'ssh-keygen'))

it.skipIf(isMissing)('docs/mounts.md says only what works', async () => {
  const keys = await mkdtemp(join(tmpdir(), 'wherry-docs-'))
  const socket = join(keys, 'agent')
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
  const home = await newHome({ SSH_AUTH_SOCK: socket })
  try {
    const context = join(home.dir, 'context')
    await Promise.all([mkdir(context), mkdir(join(home.dir, '.ssh'))])
    const key = join(home.dir, '.ssh/id_ed25519')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
    while (!existsSync(socket)) await delay(10)
    execFileSync('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socket } })
    await writeFile(join(context, 'list.txt'), 'b\na\n')
    await writeFile(join(context, 'settings.txt'), 'password\n')
    let commands = 0
    for (const { kind, body } of blocks) {
      if (kind === 'dockerfile') await writeFile(join(context, 'Dockerfile'), body)
      else
        for (const line of body.trim().split('\n')) {
          const [, name, value, args = ''] = /^(?:(\w+)=(\w+) )?npx wherry (.*)$/.exec(line) ?? []
          const env = name === undefined ? {} : { [name]: value }
          const ran = await home.run(args.replaceAll('$HOME', home.dir).split(' '), { cwd: context, env })
          expect(ran.code, `${line}\n${ran.stdout}${ran.stderr}`).toBe(0)
          commands++
        }
    }
    expect(commands).toBeGreaterThan(9)
  } finally {
    agent.kill()
    await home.remove()
    await rm(keys, { recursive: true })
  }
})
