/** A tree's user database, read out of its layers. */
import { open } from 'node:fs/promises'
import { type BytePath, toBytes } from '../core/bytepath.ts'
import type { Digest } from '../core/digest.ts'
import { resolveInTree } from '../oci/tree-resolve.ts'
import type { Session } from './engine.ts'

/** As much of a passwd or group file as is read, in bytes. */
const maxBytes = 4 << 20

/** The texts of /etc/passwd and /etc/group of a stack; '' where there is none. */
export async function readUsers(
  session: Session,
  diffIds: readonly Digest[],
): Promise<{ passwd: string; group: string }> {
  const [passwd, group] = await Promise.all([
    readText(session, diffIds, 'etc/passwd'),
    readText(session, diffIds, 'etc/group'),
  ])
  return { passwd, group }
}

async function readText(session: Session, diffIds: readonly Digest[], path: BytePath): Promise<string> {
  const tree = await session.layers.tree(diffIds)
  const real = resolveInTree(tree, path, { followLast: true })
  const entry = tree.lookup(real)
  const location = (await session.layers.locate(diffIds, [real])).get(real)
  if (entry === undefined || location === undefined) return ''
  const file = await open(toBytes(location.path))
  try {
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(Math.min(entry.size, maxBytes)),
      0,
      undefined,
      location.offset,
    )
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
