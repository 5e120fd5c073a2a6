/** Questions on the terminal. */
import { createInterface } from 'node:readline/promises'
import { text } from 'node:stream/consumers'
import { WherryError } from '../core/errors.ts'
import type { Io } from './io.ts'

type Asking = Pick<Io, 'stdin' | 'stderr' | 'signal'>

/**
 * Asks for a line.
 * @throws WherryError `usage` off a terminal, `cancelled`
 */
export async function askLine(question: string, io: Asking): Promise<string> {
  requireTerminal(io)
  const lines = createInterface({ input: io.stdin, output: io.stderr })
  try {
    return (await lines.question(question, { signal: io.signal })).trim()
  } finally {
    lines.close()
  }
}

/**
 * Asks for a secret, which is not shown while it is typed.
 * @throws WherryError `usage` off a terminal, `cancelled` at Ctrl-C and Ctrl-D
 */
export async function askSecret(question: string, io: Asking): Promise<string> {
  requireTerminal(io)
  const { stdin, stderr } = io
  stderr.write(question)
  stdin.setRawMode(true)
  stdin.resume()
  try {
    return await new Promise((resolve, reject) => {
      const typed: string[] = []
      const stop = (): WherryError => new WherryError('cancelled', 'cancelled')
      io.signal.addEventListener('abort', () => reject(stop()), { once: true })
      stdin.on('data', (chunk: Buffer) => {
        for (const key of chunk.toString('utf8')) {
          // In raw mode the terminal hands on Ctrl-C (3), Ctrl-D (4) and both kinds of backspace (8, 127).
          if (key === '\r' || key === '\n') resolve(typed.join(''))
          else if (key === '\u0003' || key === '\u0004') reject(stop())
          else if (key === '\u007f' || key === '\b') typed.pop()
          else if (key >= ' ') typed.push(key)
        }
      })
    })
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    stdin.removeAllListeners('data')
    stderr.write('\n')
  }
}

/** All of standard input, without its last line ending. */
export async function readSecretFromStdin({ stdin }: Pick<Io, 'stdin'>): Promise<string> {
  return (await text(stdin)).replace(/\r?\n$/, '')
}

function requireTerminal({ stdin }: Pick<Io, 'stdin'>): void {
  if (stdin.isTTY) return
  throw new WherryError('usage', 'user and password cannot be asked for: standard input is not a terminal', {
    hint: 'Give them with --username NAME --password-stdin.',
  })
}
