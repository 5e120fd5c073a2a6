/** An ssh agent of wherry's own, for `--ssh id=KEYFILE`: the host's ssh-agent, which ends with wherry. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { WherryError, errnoOf } from '../../core/errors.ts'

/** A running agent. */
export interface OwnAgent {
  readonly socket: string
  close(): void
}

/**
 * The agent lives as long as the command that it is given: this one adds the keys, and ends with this process's end of the pipe.
 * In a session of its own it has no terminal: a key with a passphrase fails instead of waiting.
 */
const script = `echo "$SSH_AGENT_PID"
export SSH_ASKPASS_REQUIRE=never
for key; do ssh-add -q "$key" </dev/null || exit; done
echo ready
exec cat >/dev/null`

/**
 * Starts an agent that listens at `socket` and holds the keys of these files.
 * @throws WherryError `usage` for a key that cannot be added, `host-unsupported` where OpenSSH is not installed, `cancelled`
 */
export async function startAgent(socket: string, keys: readonly string[], signal: AbortSignal): Promise<OwnAgent> {
  const agent = spawn('ssh-agent', ['-a', socket, 'sh', '-c', script, 'sh', ...keys], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    signal,
  })
  agent.stdin.on('error', () => undefined)
  let words = ''
  agent.stderr.on('data', (chunk: Buffer) => (words = (words + chunk.toString('utf8')).slice(0, 500)))
  const started = once(agent, 'spawn').catch((error: unknown) => Promise.reject(notStarted(error)))
  agent.on('error', () => undefined)
  await started
  const lines: string[] = []
  for await (const line of createInterface(agent.stdout)) {
    lines.push(line)
    if (line === 'ready') return { socket, close: () => stop(Number(lines[0])) }
  }
  const why = words.replace(/\p{Cc}+/gu, ' ').trim()
  throw new WherryError('usage', `an ssh key of ${keys.join(', ')} cannot be used: ${why || 'it has a passphrase'}`, {
    hint: 'Keys with a passphrase need an agent: `ssh-add KEY`, then --ssh default.',
  })

  function stop(pid: number): void {
    agent.stdin.end()
    if (pid > 1) process.kill(pid, 'SIGTERM')
  }
}

function notStarted(cause: unknown): WherryError {
  if (errnoOf(cause) !== 'ENOENT')
    return new WherryError('io', `ssh-agent cannot be started: ${String(cause)}`, { cause })
  return new WherryError('host-unsupported', '--ssh with a key file needs ssh-agent, which is not installed', {
    hint: 'Install openssh-client, or forward an agent: --ssh default.',
    cause,
  })
}
