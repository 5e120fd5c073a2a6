/** The build cases of the conformance suite, where there is one: see run.mjs for the judgement, known.json for what fails. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { conformanceFolder, lacks, noRegistry, noUserNamespace } from '../support/need.ts'
import { newHome } from '../support/wherry.ts'

const isMissing =
  isSkipped() ||
  lacks('conformance', conformanceFolder === undefined ? 'WHERRY_CONFORMANCE is not set' : undefined) ||
  lacks('registry', noRegistry()) ||
  lacks('userns', noUserNamespace())

/** Where the tests run as several users, one is enough. */
function isSkipped(): boolean {
  const skip = Boolean(process.env['WHERRY_SKIP_CONFORMANCE'])
  if (skip) process.stderr.write('skipped (conformance): WHERRY_SKIP_CONFORMANCE is set\n')
  return skip
}

it.skipIf(isMissing)(
  'cases of BuildKit, Buildah and kaniko build as recorded, but for those that known.json gives a reason for',
  async () => {
    const home = await newHome()
    try {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'run.mjs')], {
        env: { ...process.env, WHERRY: undefined, WHERRY_ROOT: home.store, HOME: home.dir },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let told = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => (told += text))
      const [code] = (await once(child, 'close')) as [number | null]
      const judgement = told.split('\n').filter((line) => !/^(pass|skip) /.test(line))
      process.stderr.write(`${judgement.slice(-12).join('\n')}\n`)
      expect(code, judgement.join('\n')).toBe(0)
    } finally {
      await home.remove()
    }
  },
  600_000,
)
