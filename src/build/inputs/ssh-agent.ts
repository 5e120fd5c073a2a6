/** An ssh agent of wherry's own, for `--ssh id=KEYFILE`: the host's ssh-agent, which ends with wherry. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { WherryError, errnoOf, isCancelled } from '../../core/errors.ts'

/** A running agent. */
export interface OwnAgent {
  readonly socket: string
  /** Resolves when it has ended. */
  close(): Promise<void>
}

/**
 * What ssh-agent starts once it listens: it waits for the end of this process's end of the pipe, and ends the agent. (The
 * agent would also find out on its own that the shell is gone, within 10 s.)
 */
const script = `trap 'kill "$SSH_AGENT_PID"' EXIT
trap exit HUP INT TERM
echo ready
cat >/dev/null`

/** As much of a key file as is read, in bytes; BuildKit's limit. */
const maxKeyBytes = 100 * 1024

/**
 * Starts an agent that listens at `socket` and holds the keys of these files.
 * @throws WherryError `usage` for a key that cannot be added, `host-unsupported` where OpenSSH is not installed, `cancelled`
 */
export async function startAgent(socket: string, keys: readonly string[], signal: AbortSignal): Promise<OwnAgent> {
  const agent = spawn('ssh-agent', ['-a', socket, 'sh', '-c', script], {
    stdio: ['pipe', 'pipe', 'ignore'],
    // Ctrl-C is wherry's to handle.
    detached: true,
  })
  agent.stdin.on('error', () => undefined)
  const exited = once(agent, 'exit').then(
    () => undefined,
    () => undefined,
  )
  const close = async (): Promise<void> => {
    agent.stdin.end()
    await exited
  }
  try {
    await started(agent)
    for await (const line of createInterface(agent.stdout)) if (line === 'ready') break
    for (const key of keys) await addKey(socket, key, signal)
    return { socket, close }
  } catch (error) {
    await close()
    throw error
  }
}

const addScript = 'export LC_ALL=C SSH_ASKPASS_REQUIRE=never SSH_AUTH_SOCK="$1"; exec ssh-add -q -'

/** The key goes through a pipe: ssh-add refuses files that others may read, and cannot open what is this process's own. */
async function addKey(socket: string, key: string, signal: AbortSignal): Promise<void> {
  const add = spawn('sh', ['-c', addScript, 'sh', socket], {
    stdio: ['pipe', 'ignore', 'pipe'],
    // In a session of its own it has no terminal: a key with a passphrase fails instead of waiting.
    detached: true,
    signal,
  })
  const closed = once(add, 'close')
  closed.catch(() => undefined)
  let words = ''
  add.stderr.on('data', (chunk: Buffer) => (words = (words + chunk.toString('utf8')).slice(0, 500)))
  try {
    await started(add)
    const reading = pipeline(createReadStream(key, { end: maxKeyBytes - 1, signal }), add.stdin).catch(readable)
    const [[code]] = (await Promise.all([closed, reading])) as [[number | null], unknown]
    if (code === 0) return
  } catch (cause) {
    if (signal.aborted || isCancelled(cause)) throw new WherryError('cancelled', 'cancelled', { cause })
    if (cause instanceof WherryError) throw cause
    words = String(cause)
  }
  throw unusable(key, words)
}

/** What ssh-add does not read to its end is its own affair. */
function readable(error: unknown): void {
  if (!['EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(errnoOf(error) ?? '')) throw error
}

function unusable(key: string, said: string): WherryError {
  const words = said.replace(/\p{Cc}+/gu, ' ').trim()
  const locked = words === '' || /passphrase/i.test(words)
  return new WherryError('usage', `the ssh key ${key} cannot be used: ${locked ? 'it has a passphrase' : words}`, {
    hint: locked
      ? 'Add it to an agent (`ssh-add KEY`), and forward that: --ssh default.'
      : 'Name the file of a private key, or the socket of an agent.',
  })
}

async function started(child: ChildProcess): Promise<void> {
  try {
    await once(child, 'spawn')
  } catch (cause) {
    if (isCancelled(cause)) throw cause
    if (errnoOf(cause) !== 'ENOENT')
      throw new WherryError('io', `ssh-agent cannot be started: ${String(cause)}`, { cause })
    throw new WherryError('host-unsupported', '--ssh with a key file needs ssh-agent, which is not installed', {
      hint: 'Install openssh-client, or forward an agent: --ssh default.',
      cause,
    })
  }
}
