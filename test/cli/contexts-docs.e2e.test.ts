/** The examples of docs/contexts.md, in their order: a Dockerfile is written, and the commands below it build. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { newRepository, serveGit } from '../support/git-server.ts'
import { lacks, missingTools } from '../support/need.ts'
import { newHome } from '../support/wherry.ts'

const text = readFileSync(join(import.meta.dirname, '../../docs/contexts.md'), 'utf8')
const blocks = [...text.matchAll(/^```(sh|dockerfile)\n(.*?)^```/gms)].map(([, kind, body = '']) => ({ kind, body }))
const isMissing = lacks('tools', missingTools('git', 'tar'))

it.skipIf(isMissing)('docs/contexts.md says only what works', async () => {
  const home = await newHome()
  const root = join(home.dir, 'served')
  const context = join(home.dir, 'context')
  mkdirSync(root)
  mkdirSync(context)
  const dockerfile = blocks[0]!.body
  const repository = newRepository(join(root, 'app.git'))
  repository.commit({
    Dockerfile: dockerfile,
    'hello.txt': 'hello\n',
    'docker/Dockerfile': dockerfile,
    'docker/hello.txt': 'hi\n',
  })
  const server = await serveGit(root)
  try {
    await writeFile(join(context, 'hello.txt'), 'hello\n')
    await writeFile(join(context, 'my.ignore'), '*.md\n')
    await writeFile(join(context, 'Dockerfile'), dockerfile)
    copyFileSync(join(context, 'Dockerfile'), join(root, 'Dockerfile'))
    execFileSync('tar', ['-czf', join(home.dir, 'context.tar.gz'), '-C', context, '.'])
    for (const folder of [root, context]) copyFileSync(join(home.dir, 'context.tar.gz'), join(folder, 'context.tar.gz'))
    let commands = 0
    for (const { kind, body } of blocks) {
      if (kind === 'dockerfile') await writeFile(join(context, 'Dockerfile'), body)
      else
        for (const line of body.trim().split('\n')) {
          const [, name, value, args = '', , from] = /^(?:(\w+)=(\w+) )?npx wherry (.*?)( < (\S+))?$/.exec(line) ?? []
          const words = args.replaceAll('$SERVER', `${server.origin}/smart`).split(' ')
          const ran = await home.run(words, {
            cwd: context,
            env: name === undefined ? {} : { [name]: value },
            ...(from !== undefined && { input: readFileSync(join(context, from)) }),
          })
          expect(ran.code, `${line}\n${ran.stdout}${ran.stderr}`).toBe(0)
          commands++
        }
    }
    expect(commands).toBeGreaterThan(10)
  } finally {
    await server.close()
    await home.remove()
  }
})
