/** Opens what one `--ssh` names: a relay to an agent that runs, or to one of wherry's own that holds the keys. */
import { rm, stat } from 'node:fs/promises'
import { WherryError } from '../../core/errors.ts'
import type { SshSource } from './ssh.ts'
import { type OwnAgent, startAgent } from './ssh-agent.ts'
import { type Relay, openRelay, socketFolder } from './ssh-relay.ts'

/** What is open, until it is closed. */
export interface OpenedSsh {
  readonly relay: Relay
  readonly agent: OwnAgent | undefined
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
  let agent: OwnAgent | undefined
  try {
    if (sockets[0] !== true) agent = await startAgent(`${folder}/agent`, source.paths, signal)
    return { relay: await openRelay(folder, agent?.socket ?? source.paths[0]!), agent }
  } catch (error) {
    await agent?.close()
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
