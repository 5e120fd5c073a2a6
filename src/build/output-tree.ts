/** Root file systems as a folder or as a tar; for several platforms side by side. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { type BytePath, fromText, toText } from '../core/bytepath.ts'
import { WherryError } from '../core/errors.ts'
import type { SealItem } from '../layer/contract.ts'
import { diffIdsOf } from '../oci/config.ts'
import { formatPlatform } from '../oci/platform.ts'
import { writeOutput } from '../transfer/output.ts'
import type { TreeOutput } from './contract.ts'
import type { Session } from './engine.ts'
import type { Built, BuiltImage } from './forms.ts'
import { layerFiles } from './publish.ts'
import { treeItems } from '../transfer/tree-items.ts'

/** Writes the output. @throws WherryError `io`, `build-failed` if two platforms have one file, the errors of fetching layers */
export async function writeTree(built: Built, output: TreeOutput, session: Session): Promise<void> {
  if (output.type === 'local') await checkFolder(output.dest)
  const items = await itemsOf(built, output, session)
  const { dest } = output
  if (output.type === 'local') {
    const left = await session.deps.pool.run('exportFolder', { items, folder: fromText(dest) }, session.scope)
    const message = `${left} device nodes and fifos were left out of ${dest}: only a tar can hold them`
    if (left > 0) session.scope.emit({ type: 'warning', message })
    return
  }
  const files = layerFiles(session)
  await session.deps.pool.run('seal', { items, ...files }, session.scope)
  await writeOutput(createReadStream(files.tarPath), { dest, stdout: session.deps.stdout }, session.scope)
}

async function checkFolder(dest: string): Promise<void> {
  const found = await stat(dest).catch(() => undefined)
  if (found !== undefined && !found.isDirectory()) {
    throw new WherryError('io', `${dest} is a file, where a folder is to be written`, { hint: 'Name another dest.' })
  }
}

async function itemsOf({ images: built, isIndex }: Built, output: TreeOutput, session: Session): Promise<SealItem[]> {
  const isSplit = output.platformSplit ?? isIndex
  const writers = new Map<BytePath, string>()
  const items: SealItem[] = []
  for (const one of built) {
    const name = formatPlatform(one.platform)
    const mtime = timeOf(one, output)
    const own = (await treeItems(session.layers, diffIdsOf(one.image.config))).map((item) => timed(item, mtime))
    if (!isSplit) checkOverwriting(own, name, writers)
    const folder = fromText(name.replaceAll('/', '_'))
    if (isSplit)
      items.push({ entry: { path: folder, type: 'dir', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: mtime ?? 0n } })
    items.push(...(isSplit ? own.map((item) => below(folder, item)) : own))
  }
  return items
}

function timeOf({ epoch }: BuiltImage, output: TreeOutput): bigint | undefined {
  const seconds = output.epoch === undefined ? epoch : output.epoch
  return seconds === undefined || seconds === null ? undefined : BigInt(seconds) * 1_000_000_000n
}

/** With an epoch everything has its time, whether it is older or younger. */
function timed(item: SealItem, mtime: bigint | undefined): SealItem {
  return mtime === undefined ? item : { ...item, entry: { ...item.entry, mtime } }
}

function below(folder: BytePath, { entry, ...item }: SealItem): SealItem {
  const link = entry.type === 'hardlink' && entry.link !== undefined ? { link: `${folder}/${entry.link}` } : {}
  return { ...item, entry: { ...entry, ...link, path: `${folder}/${entry.path}` } }
}

function checkOverwriting(items: readonly SealItem[], platform: string, writers: Map<BytePath, string>): void {
  for (const { entry } of items) {
    if (entry.type === 'dir') continue
    const other = writers.get(entry.path)
    if (other !== undefined) {
      const what = `cannot overwrite ${toText(entry.path)} from ${other} with ${platform}`
      throw new WherryError('build-failed', `${what} when platform-split is false`)
    }
    writers.set(entry.path, platform)
  }
}
