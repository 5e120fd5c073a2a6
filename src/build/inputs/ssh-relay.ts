/** A socket that passes connections on to an ssh agent, so that a step never sees the agent's own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { type Server, createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream'

/** A listening socket in a folder that only the caller can enter. */
export interface Relay {
  readonly path: string
  close(): Promise<void>
}

/** The longest path that sockets have (sun_path of unix(7)), less what the names in the folder take. */
const maxFolderLength = 80

/** A folder for sockets. */
export async function socketFolder(): Promise<string> {
  const parent = tmpdir().length <= maxFolderLength ? tmpdir() : '/tmp'
  return mkdtemp(join(parent, 'wherry-ssh-'))
}

/** Listens in `folder`, which goes with the relay, and connects each caller to the socket at `agent`. */
export async function openRelay(folder: string, agent: string): Promise<Relay> {
  const path = join(folder, 'relay')
  const server = createServer({ allowHalfOpen: true }, (caller) => {
    const upstream = createConnection({ path: agent, allowHalfOpen: true })
    // Whichever end fails, both are gone, and the caller's program says what it thinks of that.
    pipeline(caller, upstream, caller, () => {
      caller.destroy()
      upstream.destroy()
    })
  })
  await listening(server, path)
  return {
    path,
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
