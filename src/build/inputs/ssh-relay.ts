/** A socket that passes requests on to an ssh agent, so that a step never sees the agent's own. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { type Socket, createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { once } from 'node:events'
import { errnoOf } from '../../core/errors.ts'
import { allowedRequests } from './agent-requests.ts'

/** A listening socket in a folder that only the caller can enter. */
export interface Relay {
  readonly path: string
  /** Ends connections too. */
  close(): Promise<void>
}

/** The longest path that sockets have (sun_path of unix(7)), less what the names in the folder take. */
const maxFolderLength = 80

const prefix = 'wherry-ssh-'
const relayName = 'relay'

/** A folder for sockets. Those of processes that were killed are swept. */
export async function socketFolder(): Promise<string> {
  const parent = tmpdir().length <= maxFolderLength ? tmpdir() : '/tmp'
  await sweep(parent)
  return mkdtemp(join(parent, prefix))
}

/** Younger folders may belong to a process that has not come to listening yet. */
const minAgeMs = 60_000

async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue
    const folder = join(parent, name)
    const stats = await stat(folder).catch(() => undefined)
    const isOld = stats?.uid === process.getuid?.() && Date.now() - (stats?.mtimeMs ?? 0) > minAgeMs
    // It holds nothing but names of sockets: one that cannot be deleted does no harm.
    if (isOld && !(await answers(join(folder, relayName)))) await rm(folder, { recursive: true }).catch(() => undefined)
  }
}

async function answers(path: string): Promise<boolean> {
  const socket = createConnection({ path })
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    return !['ENOENT', 'ECONNREFUSED'].includes(errnoOf(error) ?? '')
  } finally {
    socket.destroy()
  }
}

/** Listens in `folder`, which goes with the relay, and connects each caller to the socket at `agent`. */
export async function openRelay(folder: string, agent: string): Promise<Relay> {
  const path = join(folder, relayName)
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (caller) => {
    const upstream = createConnection({ path: agent, allowHalfOpen: true })
    for (const socket of [caller, upstream]) {
      open.add(socket)
      socket.once('close', () => open.delete(socket))
    }
    // Whichever end fails, both are gone, and the caller's program says what it thinks of that.
    pipeline(caller, allowedRequests(), upstream, caller, () => {
      caller.destroy()
      upstream.destroy()
    })
  })
  server.listen(path)
  await once(server, 'listening')
  return {
    path,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of open) socket.destroy()
      await closed
      await rm(folder, { recursive: true, force: true })
    },
  }
}
