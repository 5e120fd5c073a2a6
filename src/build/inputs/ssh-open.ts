/** Opens what one `--ssh` names: a relay to an agent that runs, or to one of wherry's own that holds the keys. */
import { rm, stat } from 'node:fs/promises'
import { WherryError } from '../../core/errors.ts'
import type { SshSource } from './ssh.ts'
import { type OwnAgent, startAgent } from './ssh-agent.ts'
import { type Relay, openRelay, socketFolder } from './ssh-relay.ts'

/** What is open, until it is closed. */
export interface OpenedSsh {
  readonly relay: Relay
  readonly agent?: OwnAgent
}

/** Opens a source. @throws WherryError `usage`, `host-unsupported` */
export async function openSshSource(source: SshSource, signal: AbortSignal): Promise<OpenedSsh> {
  const sockets = await Promise.all(source.paths.map((path) => isSocket(path, source)))
  if (sockets.includes(true) && source.paths.length > 1) {
    throw new WherryError('usage', `--ssh ${source.id}: a socket stands alone`, {
      hint: 'Give one agent, or key files only.',
    })
  }
  const folder = await socketFolder()
  if (sockets[0] === true) return { relay: await openRelay(folder, source.paths[0]!) }
  const agentSocket = `${folder}/agent`
  try {
    const agent = await startAgent(agentSocket, source.paths, signal)
    return { relay: await openRelay(folder, agentSocket), agent }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function isSocket(path: string, { id }: SshSource): Promise<boolean> {
  try {
    return (await stat(path)).isSocket()
  } catch (cause) {
    throw new WherryError('usage', `--ssh ${id}: ${path} cannot be opened: ${String(cause)}`, {
      hint: 'Name the socket of an agent, or a key file.',
      cause,
    })
  }
}
