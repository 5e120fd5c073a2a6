/** Upload sessions: a temp file and a running hash each. They live as long as the server; clients begin anew after that. */
import { type Hash, createHash, randomUUID } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { type Digest, digestFromHex } from '../core/digest.ts'
import type { Store } from '../store/contract.ts'
import { refuse } from './refusal.ts'

/** What the sessions need of a store. */
export type UploadStore = Pick<Store, 'blobs' | 'tempPath'>

/** A session. `size` counts the bytes that are in the file and in the hash. */
export interface Upload {
  readonly id: string
  readonly repository: string
  readonly size: number
}

interface Session extends Upload {
  size: number
  readonly path: string
  readonly handle: FileHandle
  readonly hash: Hash
  touchedAt: number
  /** The request that is being received, and its end. */
  writer: { readonly request: IncomingMessage; readonly ended: Promise<unknown> } | undefined
}

/** The sessions of a server. */
export interface Uploads {
  begin(repository: string): Promise<Upload>
  /** Finds a session, after ending a request that still writes to it: its client asks because it thinks it dead. */
  find(repository: string, id: string): Promise<Upload>
  /** Appends a request's body. What came before a cut connection stays. */
  append(upload: Upload, request: IncomingMessage): Promise<void>
  /** Makes the bytes a blob. The session is gone afterwards, whatever happens. @throws Refusal DIGEST_INVALID */
  finish(upload: Upload, digest: Digest): Promise<void>
  cancel(upload: Upload): Promise<void>
  close(): Promise<void>
}

const maxSessions = 1000
/** A session that nobody touched for so long (ms) makes room for another. */
const idleAfter = 60 * 60 * 1000
/** Bytes gathered for one write. */
const batchSize = 1 << 20

/** Makes an empty collection of sessions. */
export function openUploads(store: UploadStore): Uploads {
  const sessions = new Map<string, Session>()

  const sessionOf = (upload: Upload): Session => {
    const session = sessions.get(upload.id)
    if (session?.repository === upload.repository) return session
    throw refuse(404, 'BLOB_UPLOAD_UNKNOWN', 'no such upload')
  }

  const drop = async (session: Session): Promise<void> => {
    sessions.delete(session.id)
    session.writer?.request.destroy()
    await session.writer?.ended
    await session.handle.close()
    await rm(session.path, { force: true })
  }

  const makeRoom = async (): Promise<void> => {
    const old = [...sessions.values()].filter((s) => Date.now() - s.touchedAt > idleAfter)
    await Promise.all(old.map(drop))
    if (sessions.size >= maxSessions) throw refuse(429, 'TOOMANYREQUESTS', 'too many uploads at once')
  }

  return {
    begin: async (repository) => {
      await makeRoom()
      const path = store.tempPath('upload')
      const handle = await open(path, 'wx', 0o644)
      const id = randomUUID()
      const hash = createHash('sha256')
      sessions.set(id, { id, repository, size: 0, path, handle, hash, touchedAt: Date.now(), writer: undefined })
      return sessionOf({ id, repository, size: 0 })
    },
    find: async (repository, id) => {
      const session = sessionOf({ id, repository, size: 0 })
      session.writer?.request.destroy()
      await session.writer?.ended
      return sessionOf(session)
    },
    append: async (upload, request) => {
      const session = sessionOf(upload)
      const receiving = receive(session, request)
      const ended = receiving.catch(() => undefined)
      session.writer = { request, ended }
      try {
        await receiving
      } finally {
        session.writer = undefined
        session.touchedAt = Date.now()
      }
    },
    finish: async (upload, digest) => {
      const session = sessionOf(upload)
      const { hash, path, size } = session
      try {
        if (digestFromHex(hash.digest('hex')) !== digest) {
          throw refuse(400, 'DIGEST_INVALID', 'the uploaded bytes do not match the digest')
        }
        await store.blobs.adopt(path, { digest, size })
      } finally {
        await drop(session)
      }
    },
    cancel: (upload) => drop(sessionOf(upload)),
    close: async () => {
      await Promise.all([...sessions.values()].map(drop))
    },
  }
}

async function receive(session: Session, request: IncomingMessage): Promise<void> {
  let batch: Buffer[] = []
  let length = 0
  const flush = async (): Promise<void> => {
    if (length === 0) return
    const chunks = batch
    const size = length
    batch = []
    length = 0
    // The disk writes in another thread while this one hashes.
    const [writing] = [session.handle.writev(chunks, session.size)]
    for (const chunk of chunks) session.hash.update(chunk)
    await writing
    session.size += size
  }
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      batch.push(chunk)
      length += chunk.length
      if (length >= batchSize) await flush()
    }
  } finally {
    await flush()
  }
}
