/** COPY and ADD: what is selected, where it goes, and the layer that holds it, written straight from the sources. */
import { writeFile } from 'node:fs/promises'
import { type BytePath, fromText, toText } from '../../core/bytepath.ts'
import { type Digest, digestFromHex, digestOf } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import { canonicalJson } from '../../core/json.ts'
import type { Scope } from '../../core/scope.ts'
import { parseFileMode } from '../../dockerfile/file-mode.ts'
import { withoutCredentials } from '../../dockerfile/git-ref.ts'
import { redactUrl } from '../../http/url.ts'
import type { SealItem } from '../../layer/contract.ts'
import type { Entry } from '../../oci/contents.ts'
import { mergeLayers } from '../../oci/tree-merge.ts'
import { isNumericOwner, resolveOwner } from '../../oci/users.ts'
import type { CopyStep, CopyStepSource } from '../../plan/contract.ts'
import { download } from '../add-url.ts'
import { type BuildContext, openContext } from '../context/context.ts'
import { selectionDigest } from '../context/selection.ts'
import { type Choice, type ChoiceFlags, chooseSources, chosenPaths } from '../copy/choose.ts'
import { pickBelow } from '../copy/filter.ts'
import { type PlaceSource, createPlacer } from '../copy/place.ts'
import type { Execution, Session, StepResult } from '../engine.ts'
import { openRepository } from '../git/repository.ts'
import { inheritedFidelity, layerFiles, publishLayer } from '../publish.ts'
import { readUsers } from '../users.ts'
import { subtree } from '../../transfer/tree-items.ts'

/** Bytes of a file: on disk from an offset, or in a layer of the tree copied from. */
export type Origin =
  | { readonly kind: 'disk'; readonly path: BytePath; readonly offset: number }
  | { readonly kind: 'tree'; readonly path: BytePath }

/** One source, found: a tree with what is selected in it, or an archive to unpack. */
type Part = TreePart | ArchivePart | LatePart

interface TreePart extends Choice {
  readonly kind: 'tree'
  readonly source: PlaceSource<Origin>
}

interface ArchivePart {
  readonly kind: 'archive'
  readonly entries: readonly Entry[]
  readonly spool: BytePath
}

/** Something whose content has a name, and which is fetched only if the step executes. */
interface LatePart {
  readonly kind: 'late'
  readonly digest: Digest
  /** Stands for the content where entries are listed. */
  readonly entry: Entry
  open(): Promise<TreePart>
}

/** What a COPY copies: its content as a key part, and the parts themselves. */
export interface CopySelection {
  readonly digest: Digest
  readonly parts: readonly Part[]
  /** The stack copied from, for --from. */
  readonly stack: readonly Digest[]
}

/** Finds the sources of a step. `stack` is the tree that --from names. */
export async function copySelection(
  step: CopyStep,
  stack: readonly Digest[],
  session: Session,
): Promise<CopySelection> {
  const parts: Part[] = []
  for (const source of step.sources) parts.push(...(await findSource(source, { step, stack, session })))
  const digests = parts.map(partDigest)
  return { digest: digestOf(canonicalJson(digests)), parts, stack }
}

interface Finding {
  readonly step: CopyStep
  readonly stack: readonly Digest[]
  readonly session: Session
}

async function findSource(source: CopyStepSource, finding: Finding): Promise<Part[]> {
  switch (source.kind) {
    case 'heredoc':
      return [await heredocPart(source, finding)]
    case 'url':
      return [await urlPart(source, finding)]
    case 'git':
      return [await gitPart(source, finding)]
    case 'path':
      return finding.step.from.kind === 'tree'
        ? [await treePart(source.path, finding)]
        : contextParts(source.path, finding)
  }
}

function choiceFlags({ parents, exclude }: CopyStep): ChoiceFlags {
  return { parents, exclude: exclude.map(fromText) }
}

async function treePart(path: string, { step, stack, session }: Finding): Promise<Part> {
  const tree = await session.layers.tree(stack)
  const source: PlaceSource<Origin> = {
    tree,
    origin: (from) => ({ kind: 'tree', path: from }),
    // Names of one file share its bytes' place in a layer; a sparse file has none.
    identity(from) {
      const offset = tree.lookup(from)?.offset
      return offset === undefined ? undefined : `${tree.layerOf(from)}:${offset}`
    },
  }
  return { kind: 'tree', source, ...chooseSources(tree, fromText(path), choiceFlags(step)) }
}

async function contextParts(path: string, { step, session }: Finding): Promise<Part[]> {
  const context = await session.context(step.from.kind === 'context' ? step.from.name : undefined)
  const whole = await contextPart(context, path, { step, session })
  if (step.unpack === 'none') return [whole]
  const { tree } = whole.source
  const parts: Part[] = []
  for (const one of whole.selected)
    parts.push(
      (await archivePart(context.pathOf(one.real), tree.lookup(one.real), session)) ?? { ...whole, selected: [one] },
    )
  return parts
}

async function contextPart(
  context: BuildContext,
  path: string,
  { step, session }: Pick<Finding, 'step' | 'session'>,
): Promise<TreePart> {
  const choice = chooseSources(context.tree, fromText(path), choiceFlags(step))
  const tree = await context.hashed(chosenPaths(context.tree, choice), (paths) => hashAll(paths, session))
  const source: PlaceSource<Origin> = {
    tree,
    origin: (from) => ({ kind: 'disk', path: context.pathOf(from), offset: 0 }),
    identity: (from) => context.identity(from),
  }
  return { kind: 'tree', source, ...choice }
}

/** The commit names the content, with what is taken of it: what is cached is not fetched. */
async function gitPart({ git }: CopyStepSource & { kind: 'git' }, { step, session }: Finding): Promise<LatePart> {
  const { deps, scope, inputs } = session
  const repository = openRepository(git, { deps, scope, secrets: inputs.secrets, ssh: inputs.ssh })
  const { commit, tag, name } = await repository.resolve()
  const { subdir, keepGitDir = false, submodules = true, mtime = 'checkout' } = git
  // A kept repository holds the ref under its name.
  const named = keepGitDir ? { tag, name } : {}
  const link = canonicalJson({ commit, subdir, keepGitDir, submodules, mtime, ...named })
  return {
    kind: 'late',
    digest: digestOf(link),
    entry: { ...lateEntry, path: fromText(shownRemote(git.remote)), link },
    open: async () => {
      const { folder } = await repository.checkout()
      const quiet: Scope = { ...scope, emit: () => undefined }
      const context = await openContext({ directory: folder, ignoreFile: false }, quiet)
      return contextPart(context, '/', { step, session })
    },
  }
}

const lateEntry = { type: 'symlink', mode: 0o777, uid: 0, gid: 0, size: 0, mtime: 0n } as const

/** A remote as a relative path. */
function shownRemote(remote: string): string {
  return withoutCredentials(remote).replace(/^[a-z]+:\/\//, '')
}

/** Files are hashed in several threads, this many at a time in each. */
const hashBatch = 1000

async function hashAll(paths: readonly BytePath[], { deps, scope }: Session): Promise<string[]> {
  const batches: (readonly BytePath[])[] = []
  for (let i = 0; i < paths.length; i += hashBatch) batches.push(paths.slice(i, i + hashBatch))
  return (await Promise.all(batches.map((batch) => deps.pool.run('hash', { paths: batch }, scope)))).flat()
}

async function archivePart(path: BytePath, entry: Entry | undefined, session: Session): Promise<Part | undefined> {
  return entry?.type === 'file' ? spoolArchive(path, session) : undefined
}

async function spoolArchive(path: BytePath, { deps, scope }: Session): Promise<Part | undefined> {
  const spoolPath = deps.store.tempPath('add')
  const entries = await deps.pool.run('spool', { path, spoolPath }, scope)
  return entries === undefined ? undefined : { kind: 'archive', entries, spool: fromText(spoolPath) }
}

async function heredocPart(
  { name, content }: CopyStepSource & { kind: 'heredoc' },
  { session }: Finding,
): Promise<Part> {
  const bytes = Buffer.from(content)
  const path = session.deps.store.tempPath('heredoc')
  await writeFile(path, bytes)
  const sha256 = digestOf(bytes).slice('sha256:'.length)
  return filePart({ name: fromText(name), mode: 0o644, mtime: now(), size: bytes.length, sha256 }, fromText(path))
}

async function urlPart(source: CopyStepSource & { kind: 'url' }, { step, session }: Finding): Promise<Part> {
  const { url, filename, checksum } = source
  const { path, size, sha256, mtime } = await download(url, session, { checksum, fresh: step.fresh })
  checkSum(url, checksum, digestFromHex(sha256))
  const archive = step.unpack === 'all' ? await spoolArchive(path, session) : undefined
  if (archive !== undefined) return archive
  return filePart({ name: fromText(filename), mode: 0o600, mtime, size, sha256 }, path)
}

function filePart(
  file: { name: BytePath; mode: number; mtime: bigint; size: number; sha256: string },
  path: BytePath,
): Part {
  const { name, mode, mtime, size, sha256 } = file
  const tree = mergeLayers([[{ path: name, type: 'file', mode, uid: 0, gid: 0, size, mtime, sha256 }]])
  const source: PlaceSource<Origin> = { tree, origin: () => ({ kind: 'disk', path, offset: 0 }) }
  return { kind: 'tree', source, selected: [{ named: name, real: name }], filter: {} }
}

function partDigest(part: Part): Digest {
  if (part.kind === 'late') return part.digest
  if (part.kind === 'archive') return selectionDigest(part.entries)
  return digestOf(
    canonicalJson(part.selected.map(({ named, real }) => [toText(named), selectionDigest(chosenEntries(part, real))])),
  )
}

/** What of a source counts: all that is copied of it, with paths from itself on. */
function* chosenEntries({ source: { tree }, filter }: TreePart, root: BytePath): Generator<Entry> {
  if (filter.include === undefined && filter.exclude === undefined) {
    yield* subtree(tree, root)
    return
  }
  const own = tree.lookup(root)
  if (own !== undefined) yield { ...own, path: '' }
  if (root !== '' && own?.type !== 'dir') return
  for (const { entry, relative } of pickBelow(tree, root, filter)) yield { ...entry, path: relative }
}

function checkSum(url: string, wanted: Digest | undefined, found: Digest): void {
  if (wanted === undefined || wanted === found) return
  throw new WherryError(
    'digest-mismatch',
    `digest mismatch for ${redactUrl(new URL(url))}: ${found} (expected: ${wanted})`,
    {
      hint: 'The server gives another file than --checksum asks for: check both.',
    },
  )
}

/** Everything that a selection holds, each entry named after its source. */
export function* selectedEntries({ parts }: CopySelection): Generator<Entry> {
  for (const part of parts) {
    if (part.kind !== 'tree') {
      yield* part.kind === 'late' ? [part.entry] : part.entries
      continue
    }
    for (const { named, real } of part.selected) {
      const prefix = named === '.' ? '' : named
      for (const entry of subtree(part.source.tree, real))
        yield { ...entry, path: [prefix, entry.path].filter((name) => name !== '').join('/') }
    }
  }
}

/** Writes the layer. */
export async function runCopyStep(step: CopyStep, { input, session, selection }: Execution): Promise<StepResult> {
  if (selection === undefined) throw new WherryError('internal', 'a copy step without selection')
  const items = await itemsOf(step, { input, session, selection })
  const files = layerFiles(session)
  const sealed = await session.deps.pool.run('seal', { items, ...files }, session.scope)
  return publishLayer(session, sealed, {
    files,
    fidelity: await inheritedFidelity(session, [...input, ...selection.stack]),
  })
}

async function itemsOf(
  step: CopyStep,
  { input, session, selection }: { input: readonly Digest[]; session: Session; selection: CopySelection },
): Promise<SealItem[]> {
  const below = await session.layers.tree(input)
  const owner = step.chown === undefined ? undefined : await ownerOf(step.chown, input, session)
  const placer = createPlacer<Origin>(below, {
    destination: fromText(step.destination),
    chmod: step.chmod === undefined ? undefined : parseFileMode(step.chmod),
    owner,
    now: now(),
  })
  for (const found of selection.parts) {
    const part = found.kind === 'late' ? await found.open() : found
    if (part.kind === 'tree') for (const one of part.selected) placer.copy(part.source, one, part.filter)
    else placer.unpack(part.entries, (entry) => ({ kind: 'disk', path: part.spool, offset: entry.offset ?? 0 }))
  }
  const placed = placer.placed()
  const wanted = placed.flatMap(({ origin }) => (origin?.kind === 'tree' ? [origin.path] : []))
  const locations = await session.layers.locate(selection.stack, wanted)
  return placed.map(({ entry, origin }) => ({
    entry,
    source: origin?.kind === 'disk' ? origin : origin && locations.get(origin.path),
  }))
}

async function ownerOf(
  chown: string,
  input: readonly Digest[],
  session: Session,
): Promise<{ uid: number; gid: number }> {
  const users = isNumericOwner(chown) ? { passwd: '', group: '' } : await readUsers(session, input)
  return resolveOwner(chown, users)
}

/** The time of what COPY itself makes, in nanoseconds: as in BuildKit the clock's, whatever SOURCE_DATE_EPOCH says. */
function now(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}
