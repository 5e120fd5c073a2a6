/** Runs a program of the host to its end and gathers what it says. */
import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { WherryError } from '../core/errors.ts'
import { throwIfCancelled } from '../core/scope.ts'

/** How a program ended. */
export interface ProgramResult {
  /** 128 + n for a signal that is not ours. */
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: string
}

/** What a program is given. */
export interface ProgramOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Most bytes of output; more is an error. */
  readonly maxBytes?: number
}

/**
 * Runs it with no standard input; it is killed when the signal fires.
 * @throws WherryError `host-unsupported` if it cannot be started, `io` for too much output, `cancelled`
 */
export async function runProgram(
  [program, ...args]: readonly [string, ...string[]],
  { env, maxBytes = 256 << 20 }: ProgramOptions,
  signal: AbortSignal,
): Promise<ProgramResult> {
  throwIfCancelled({ signal })
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const onAbort = (): void => void child.kill('SIGKILL')
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const ended = new Promise<number>((resolve, reject) => {
      child.once('error', (cause) => {
        reject(new WherryError('host-unsupported', `${program} cannot be started: ${cause.message}`, { cause }))
      })
      child.once('close', (code) => resolve(code ?? 137))
    })
    const tooMuch = (): void => void child.kill('SIGKILL')
    const [code, stdout, stderr] = await Promise.all([
      ended,
      gather(child.stdout, maxBytes, tooMuch),
      gather(child.stderr, maxBytes, tooMuch),
    ])
    throwIfCancelled({ signal })
    if (stdout === undefined || stderr === undefined) {
      throw new WherryError('io', `${program} said more than ${maxBytes} bytes`)
    }
    return { code, stdout, stderr: stderr.toString() }
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

async function gather(stream: Readable, maxBytes: number, tooMuch: () => void): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= maxBytes) chunks.push(chunk)
    else tooMuch()
  }
  return size > maxBytes ? undefined : Buffer.concat(chunks)
}
