/** The command for when a run fails, on a terminal: it has the terminal to itself, and wherry has it back afterwards. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noStaticBusybox } from '../support/busybox.ts'
import { lacks, missingTools, noFullMap, noUserNamespace, notRoot } from '../support/need.ts'
import { bundleWithThreads } from '../support/users.ts'

const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox() ?? missingTools('script'))
const kinds = [
  ['mapped', isMissing || lacks('mapped', noFullMap())],
  ['single', isMissing],
  ['chroot', isMissing || lacks('root', notRoot())],
] as const

const ctrlC = '\x03'
const ctrlZ = '\x1a'

describe.each(kinds)('in %s mode', (isolation, skipped) => {
  let bundle: Awaited<ReturnType<typeof bundleWithThreads>>
  beforeAll(async () => {
    if (!skipped) bundle = await bundleWithThreads(join(import.meta.dirname, '../support/failing-run.ts'))
  })
  afterAll(() => {
    if (!skipped) bundle.remove()
  })

  test.skipIf(skipped)('a shell sees what the run left, and Ctrl-C and Ctrl-Z are its own', async () => {
    const terminal = openTerminal([process.execPath, bundle.file, isolation])
    await terminal.until('inside#')
    await terminal.type('cat left /m/secret; echo $KEPT $PWD\n', 'left\r\ns3cret\r\nkept /tmp')
    terminal.send('sleep 100\n')
    await pause()
    await terminal.type(ctrlC, 'inside#')
    terminal.send('sleep 100\n')
    await pause()
    await terminal.type(ctrlZ, 'Stopped')
    await terminal.type('kill %1; sleep 0; echo $((6 * 7))\n', '42')
    await terminal.type('exit 3\n', '')
    await terminal.type('exit 3\n', 'runner: exit code 7, layer of 0')
    expect(terminal.said()).not.toContain('runner got')
    await terminal.type(ctrlC, 'runner got SIGINT')
    expect(await terminal.end).toBe(0)
  })

  test.skipIf(skipped)('Ctrl-C ends a command that is no shell, and not wherry', async () => {
    const command = ['/bin/sh', '-c', 'echo begun; trap "exit 1" INT; sleep 100 & wait']
    const terminal = openTerminal([process.execPath, bundle.file, isolation, ...command])
    await terminal.until('begun')
    await pause()
    await terminal.type(ctrlC, 'runner: exit code 7')
    expect(terminal.said()).not.toContain('runner got')
    await terminal.type(ctrlC, 'runner got SIGINT')
    expect(await terminal.end).toBe(0)
  })
})

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 400))

interface Terminal {
  send(keys: string): void
  /** Sends keys and waits for words that come after. */
  type(keys: string, words: string): Promise<void>
  until(words: string): Promise<void>
  said(): string
  readonly end: Promise<number | null>
}

/** A program on a terminal that script(1) makes, in place of the shell between them: some shells would end by Ctrl-C themselves. */
function openTerminal(argv: readonly string[]): Terminal {
  const command = argv.map((arg) => `'${arg}'`).join(' ')
  const child: ChildProcess = spawn('script', ['-qefc', `exec ${command}`, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let said = ''
  let seen = 0
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (said += chunk))
  const until = async (words: string): Promise<void> => {
    for (let waited = 0; ; waited += 20) {
      const at = said.indexOf(words, seen)
      if (at >= 0) {
        seen = at + words.length
        return
      }
      if (waited > 15_000) throw new Error(`no ${JSON.stringify(words)} in ${JSON.stringify(said)}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const send = (keys: string): void => void child.stdin?.write(keys)
  return {
    send,
    until,
    type: (keys, words) => {
      seen = said.length
      send(keys)
      return until(words)
    },
    said: () => said,
    end: once(child, 'exit').then(([code]) => code as number | null),
  }
}
