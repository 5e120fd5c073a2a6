/** Agents that `--ssh` offers to steps. */
import type { OpenedSsh } from './ssh-open.ts'

/** One `--ssh`: paths of an agent's socket or of key files; absolute. */
export interface SshSource {
  readonly id: string
  readonly paths: readonly string[]
}

/** Gives sockets by id. */
export interface SshAgents {
  /** Path of a socket that speaks the agent protocol; undefined if the build offers none of that id. @throws WherryError `usage`, `host-unsupported` */
  socket(id: string): Promise<string | undefined>
  close(): Promise<void>
}

/** Agents for their sources, opened at the first use. */
export function openSshAgents(sources: readonly SshSource[], signal: AbortSignal): SshAgents {
  const opened = new Map<string, Promise<OpenedSsh>>()
  return {
    socket: async (id) => {
      const source = sources.findLast((one) => one.id === id)
      if (source === undefined) return undefined
      const known = opened.get(id) ?? open(source, signal)
      opened.set(id, known)
      return (await known).relay.path
    },
    close: async () => {
      for (const one of await Promise.allSettled(opened.values())) {
        if (one.status === 'rejected') continue
        await one.value.agent?.close()
        await one.value.relay.close()
      }
    },
  }
}

/** Loaded here: most builds forward none. */
async function open(source: SshSource, signal: AbortSignal): Promise<OpenedSsh> {
  const { openSshSource } = await import('./ssh-open.ts')
  return openSshSource(source, signal)
}
