/** WORKDIR: the folder and its parents, where the stack lacks them. */
import { type BytePath, fromText } from '../../core/bytepath.ts'
import type { Digest } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import type { Entry } from '../../oci/contents.ts'
import { resolveInTree } from '../../oci/tree-resolve.ts'
import type { TreeView } from '../../oci/tree.ts'
import type { WorkdirStep } from '../../plan/contract.ts'
import { ancestorsOf } from '../copy/ancestors.ts'
import type { Execution, Session, StepResult } from '../engine.ts'
import { inheritedFidelity, layerFiles, publishLayer } from '../publish.ts'
import { readUsers } from '../users.ts'
import { resolveOwner } from '../../oci/users.ts'

/** Makes the folder. A step that finds it there makes an empty layer, as BuildKit does. */
export async function runWorkdirStep(step: WorkdirStep, { input, session }: Execution): Promise<StepResult> {
  const tree = await session.layers.tree(input)
  const owner = await ownerOf(step.user, input, session)
  const mtime = BigInt(step.epoch ?? Math.floor(Date.now() / 1000)) * 1_000_000_000n
  const made = missingFolders(tree, fromText(step.path)).map((path) => folder(path, owner, mtime))
  const above = ancestorsOf(
    made.slice(0, 1).map((entry) => entry.path),
    tree,
  )
  const items = [...above.reverse(), ...made].map((entry) => ({ entry }))
  const files = layerFiles(session)
  const sealed = await session.deps.pool.run('seal', { items, ...files }, session.scope)
  return publishLayer(session, sealed, { files, fidelity: await inheritedFidelity(session, input) })
}

/** Who owns what is made, by the rules of --chown: a number alone is the group too. A user that the image does not know counts as root, as in BuildKit: only RUN needs it to exist. */
async function ownerOf(
  user: string,
  input: readonly Digest[],
  session: Session,
): Promise<{ uid: number; gid: number }> {
  if (user === '') return { uid: 0, gid: 0 }
  try {
    return resolveOwner(user, await readUsers(session, input))
  } catch (error) {
    if (error instanceof WherryError && error.code === 'user-unknown') return { uid: 0, gid: 0 }
    throw error
  }
}

/** The folders to make so that `path` is one, outermost first. Links on the way are followed inside the root. */
function missingFolders(tree: TreeView, path: BytePath): BytePath[] {
  const target = resolveInTree(tree, path.slice(1), { followLast: true })
  const missing: BytePath[] = []
  const parts = target.split('/')
  for (let i = 1; i <= parts.length; i++) {
    const folderPath = parts.slice(0, i).join('/')
    const entry = tree.lookup(folderPath)
    if (entry === undefined) missing.push(folderPath)
    else if (entry.type !== 'dir')
      throw new WherryError('copy-failed', `cannot make folder ${path}: /${folderPath} is not a folder`)
  }
  return missing
}

function folder(path: BytePath, { uid, gid }: { uid: number; gid: number }, mtime: bigint): Entry {
  return { path, type: 'dir', mode: 0o755, uid, gid, size: 0, mtime }
}
