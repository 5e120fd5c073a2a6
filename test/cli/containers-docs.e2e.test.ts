/** The commands of docs/containers.md, in their order, in one shell. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { newBuilder, noStaticBusybox } from '../support/busybox-image.ts'
import { lacks, noUserNamespace } from '../support/need.ts'
import { finished } from '../support/wherry.ts'

const text = readFileSync(join(import.meta.dirname, '../../docs/containers.md'), 'utf8')
const program = join(import.meta.dirname, '..', '..', 'bin', 'wherry.js')
const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())

it.skipIf(isMissing)('docs/containers.md says only what works', async () => {
  const { home } = await newBuilder()
  try {
    const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, body = '']) => body)
    expect(blocks.length).toBeGreaterThan(5)
    const wherry = 'wherry() { verb=$1; shift; "$NODE" "$PROGRAM" "$verb" --root "$STORE" "$@"; }'
    const env = { ...process.env, HOME: home.dir, NODE: process.execPath, PROGRAM: program, STORE: home.store }
    const script = ['set -e', wherry, ...blocks].join('\n')
    const { code, stdout, stderr } = await finished(spawn('sh', ['-c', script], { cwd: home.dir, env }))
    expect(code, stdout + stderr).toBe(0)
    for (const said of ['hello', 'hi', 'A /tmp/greeting', 'with a greeting', 'ready', 'kept'])
      expect(stdout).toContain(said)
  } finally {
    await home.remove()
  }
})
