/** The build context: a folder as data, with content hashes that are computed only where files changed. */
import { createHash } from 'node:crypto'
import { realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type BytePath, fromText } from '../../core/bytepath.ts'
import type { Digest } from '../../core/digest.ts'
import { WherryError, errnoOf } from '../../core/errors.ts'
import { type Scope, throwIfCancelled } from '../../core/scope.ts'
import type { TreeView } from '../../oci/tree.ts'
import type { DiskFile } from './disk.ts'
import { findIgnore } from './ignore-source.ts'
import { type Stamp, type StatCache, openStatCache } from './stat-cache.ts'
import { type ContextTree, createContextTree } from './tree.ts'

/** Hashes files (absolute byte paths): hexadecimal sha256 of each, in order. */
export type HashFiles = (paths: readonly BytePath[]) => Promise<readonly string[]>

/** A folder to build from. */
export interface BuildContext {
  /**
   * What is in the context and not ignored, with owner 0:0. Read on demand; once read it stays as it was. Regular files have a
   * `sha256` once `hashed` has covered them.
   */
  readonly tree: TreeView
  /** The ignore file in force. */
  readonly ignoreFile?: string
  /** Of its bytes. */
  readonly ignoreDigest?: Digest
  /** Where an entry is on disk: absolute. */
  pathOf(path: BytePath): BytePath
  /** The same for all names of one file (hard links); undefined for a file with one name. */
  identity(path: BytePath): string | undefined
  /**
   * Makes sure that every regular file at or below `roots` has its content hash, from the stat cache, else from `hashFiles`, and
   * returns the tree. Calls may overlap; each file is hashed once.
   */
  hashed(roots: readonly BytePath[], hashFiles: HashFiles): Promise<TreeView>
}

/** Where a context comes from: absolute paths. */
export interface ContextOptions {
  readonly directory: string
  readonly dockerfile?: string
  /** The ignore file, in the place of those that are looked for; `false`: nothing is left out. */
  readonly ignoreFile?: string | false
  /** Folder of the stat caches; without it every file is hashed. */
  readonly cacheDir?: string
}

/**
 * Opens a context. Nothing but the ignore file is read yet.
 * @throws WherryError `context-invalid` if the folder is not there, `dockerfile-invalid` for a malformed ignore pattern
 */
export async function openContext(options: ContextOptions, scope: Scope): Promise<BuildContext> {
  throwIfCancelled(scope)
  const directory = await resolveFolder(options.directory)
  const { matcher, file, digest } = await findIgnore(directory, options)
  const root = fromText(directory)
  const tree = createContextTree(root, matcher)
  let cache: StatCache | undefined
  const hasher: Hasher = {
    tree,
    scope,
    pathOf: (path) => (path === '' ? root : `${root === '/' ? '' : root}/${path}`),
    cache: () =>
      (cache ??= options.cacheDir === undefined ? noCache : openStatCache(cacheFile(options.cacheDir, root), root)),
  }
  let queue: Promise<unknown> = Promise.resolve()
  return {
    tree,
    ignoreFile: file,
    ignoreDigest: digest,
    pathOf: hasher.pathOf,
    identity(path) {
      const found = tree.file(path)
      return found?.entry.type === 'file' && found.links > 1n ? `${found.dev}:${found.ino}` : undefined
    },
    async hashed(roots, hashFiles) {
      // One after the other: what a call has hashed the next one finds.
      const run = queue.then(() => hashBelow(hasher, roots, hashFiles))
      queue = run.catch(() => undefined)
      await run
      return tree
    },
  }
}

async function resolveFolder(directory: string): Promise<string> {
  const fail = (why: string, cause?: unknown): WherryError =>
    new WherryError('context-invalid', `the build context ${directory} ${why}`, {
      hint: 'Name an existing folder.',
      cause,
    })
  try {
    const resolved = await realpath(directory)
    if ((await stat(resolved)).isDirectory()) return resolved
  } catch (cause) {
    throw fail(errnoOf(cause) === 'ENOENT' ? 'does not exist' : `cannot be opened: ${String(cause)}`, cause)
  }
  throw fail('is not a folder')
}

function cacheFile(cacheDir: string, root: BytePath): string {
  return join(cacheDir, `${createHash('sha256').update(root, 'latin1').digest('hex').slice(0, 32)}.stat`)
}

const noCache: StatCache = { get: () => undefined, put: () => undefined, save: () => undefined }

interface Hasher {
  readonly tree: ContextTree
  readonly scope: Scope
  readonly cache: () => StatCache
  readonly pathOf: (path: BytePath) => BytePath
}

async function hashBelow(hasher: Hasher, roots: readonly BytePath[], hashFiles: HashFiles): Promise<void> {
  const { tree, scope, cache } = hasher
  const started = performance.now()
  // What has its hash was counted before.
  const fresh = [...new Set(roots.flatMap((root) => unhashedFiles(tree, root)))]
  if (fresh.length === 0) return
  const missing: DiskFile[] = []
  let bytes = 0
  for (const file of fresh) {
    file.entry.sha256 = cache().get(file.entry.path, stampOf(file))
    if (file.entry.sha256 === undefined) missing.push(file)
    bytes += file.entry.size
  }
  throwIfCancelled(scope)
  if (missing.length > 0) await hashMissing(hasher, missing, hashFiles)
  scope.emit({ type: 'context', files: fresh.length, bytes, durationMs: Math.round(performance.now() - started) })
}

/** Regular files at or below a path that have no hash yet. */
function unhashedFiles(tree: ContextTree, root: BytePath): DiskFile[] {
  const found: DiskFile[] = []
  const visit = (path: BytePath): void => {
    const file = tree.file(path)
    if (file?.entry.type === 'file' && file.entry.sha256 === undefined) found.push(file)
    if (path !== '' && file?.entry.type !== 'dir') return
    for (const name of tree.list(path)) visit(path === '' ? name : `${path}/${name}`)
  }
  visit(root)
  return found
}

function stampOf({ entry, ino, ctime }: DiskFile): Stamp {
  return { ino, size: entry.size, mtime: entry.mtime, ctime }
}

async function hashMissing(hasher: Hasher, missing: readonly DiskFile[], hashFiles: HashFiles): Promise<void> {
  const { scope, pathOf } = hasher
  const cache = hasher.cache()
  const hashingBegan = BigInt(Date.now()) * 1_000_000n
  const hashes = await hashFiles(missing.map((file) => pathOf(file.entry.path)))
  for (const [i, file] of missing.entries()) {
    const sha256 = hashes[i]
    if (sha256 === undefined) throw new WherryError('internal', `no content hash of ${file.entry.path}`)
    file.entry.sha256 = sha256
    cache.put(file.entry.path, { stamp: stampOf(file), sha256, hashingBegan })
  }
  try {
    cache.save()
  } catch (error) {
    const message = `the stat cache cannot be written; the next build hashes again: ${String(error)}`
    scope.emit({ type: 'warning', message })
  }
}
