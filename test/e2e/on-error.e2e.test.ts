/** `--on-error shell`: a shell in the root of a RUN that failed, or the way to one. */
import { spawn } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Builder, newBuilder, noStaticBusybox } from '../support/busybox-image.ts'
import { lacks, missingTools, noUserNamespace } from '../support/need.ts'
import { finished } from '../support/wherry.ts'

const isMissing =
  lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox()) || lacks('tools', missingTools('script'))
const program = join(import.meta.dirname, '../../bin/wherry.js')

describe.skipIf(isMissing)('--on-error shell', () => {
  let builder: Builder
  beforeAll(async () => {
    builder = await newBuilder()
  })
  afterAll(() => builder.home.remove())

  /** Builds on a terminal of its own (script(1)), typing `input` into it. */
  const onTerminal = async (dockerfile: readonly string[], input: string, mode = 'tty'): Promise<string> => {
    const { home } = builder
    const context = await mkdtemp(join(home.dir, 'shell-'))
    await writeFile(join(context, 'Dockerfile'), `${dockerfile.join('\n')}\n`)
    const args = ['build', '--root', home.store, '--on-error', 'shell', `--progress=${mode}`, context]
    const command = [process.execPath, program, ...args].join(' ')
    const child = spawn('script', ['-qefc', command, '/dev/null'], {
      env: { ...process.env, HOME: home.dir, TERM: 'xterm' },
    })
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.includes('leaving it ends the build')) setTimeout(() => child.stdin.end(input), 1500)
    })
    const { code, stdout } = await finished(child)
    expect(code, stdout).toBe(1)
    return stdout.replaceAll('\r', '')
  }
  const failing = ['FROM box', 'ENV SEEN=inside', 'RUN echo left > /left; echo said; exit 3']

  it.each(['tty', 'plain'])('opens one in the root as it was left, with its variables (%s)', async (mode) => {
    const shown = await onTerminal(failing, 'echo "<$(cat /left) $SEEN>"\nexit\n', mode)
    expect(shown).toContain('<left inside>')
    expect(shown.indexOf('said')).toBeLessThan(shown.indexOf('<left inside>'))
    expect(shown).toMatch(/did not complete successfully: exit code: 3/)
  })

  it('takes the SHELL of the stage, or says that the image has none', async () => {
    const lines = ['FROM box', 'RUN cp /bin/busybox /sh2 && ln -s /sh2 /ash', 'SHELL ["/ash", "-c"]', 'RUN exit 4']
    expect(await onTerminal(lines, 'echo "<$0>"\nexit\n')).toContain('</ash>')
    const bare = ['FROM scratch', 'COPY --from=box /bin/busybox /busybox', 'RUN ["/busybox", "false"]']
    expect(await onTerminal(bare, '')).toContain('No shell was opened: the image has no /bin/sh.')
  })

  it.each([['plain'], ['json'], ['quiet']])('tells the way where there is no terminal (%s)', async (mode) => {
    const ran = await builder.attempt(failing, {}, [
      '--on-error',
      'shell',
      `--progress=${mode}`,
      '--build-arg',
      'A=hidden',
    ])
    expect(ran.code).toBe(1)
    expect(ran.stderr).toMatch(/hint: A shell needs a terminal.* wherry build .*--on-error shell .*--build-arg A /)
    expect(ran.stderr).not.toContain('hidden')
  })
})
