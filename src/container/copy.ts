/** Files from this machine into a container, and out of one, by the rules of `docker cp`. */
import { readFile, rm, stat } from 'node:fs/promises'
import { posix } from 'node:path'
import { type BytePath, fromText } from '../core/bytepath.ts'
import { WherryError, errnoOf } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import type { SealItem } from '../layer/contract.ts'
import { decodeContents } from '../store/contents-codec.ts'
import type { ContainerRecord } from '../store/contract.ts'
import type { PackedTree } from '../trees/container-contract.ts'
import { type Access, withTree } from './access.ts'
import type { ContainerDeps } from './deps.ts'

/** What there is at a path. */
type Found = { readonly type: 'dir' | 'other' } | undefined

/** Where a source goes: entries are called `name` in `folder`; '' for what a folder holds. */
export interface Destination {
  readonly folder: string
  readonly name: string
}

/** A source and a destination as docker has them. */
export interface CopyPlaces {
  readonly source: { readonly path: string; readonly type: 'dir' | 'other'; readonly name: string }
  readonly target: { readonly path: string; readonly found: Found }
}

/**
 * Where something is copied to: into a folder that is there, else under the target's name. Of `DIR/.` it is what the folder holds.
 * @throws WherryError `copy-failed` in docker's words
 */
export function destinationOf({ source, target }: CopyPlaces): Destination {
  const path = target.path === '' ? '.' : target.path
  const whole = path.replace(/\/+$/, '') || '/'
  if (target.found?.type === 'dir') return { folder: path, name: isContents(source.path) ? '' : source.name }
  if (target.found !== undefined && source.type === 'dir')
    throw new WherryError('copy-failed', `cannot copy the folder ${source.path} over the file ${path}`)
  if (target.found !== undefined && path !== whole) throw new WherryError('copy-failed', `${path} is not a folder`)
  if (source.type === 'other' && path !== whole)
    throw new WherryError('copy-failed', `there is no folder ${path}`, {
      hint: 'Without the slash it is the file’s new name.',
    })
  return { folder: posix.dirname(whole), name: posix.basename(whole) }
}

function isContents(path: string): boolean {
  return /(^|\/)\.$/.test(path) || /^\/+$/.test(path)
}

interface Work {
  readonly deps: ContainerDeps
  readonly scope: Scope
}

/** What goes into a container: a path of this machine, or a tar in a file, which goes into a folder that is there. */
export type CopySource = { readonly path: string; readonly name: string } | { readonly tarPath: string }

/** Copies into a container. @throws WherryError `copy-failed` */
export async function copyIn(
  record: ContainerRecord,
  { source, target, archive }: { readonly source: CopySource; readonly target: string; readonly archive: boolean },
  { deps, scope }: Work,
): Promise<void> {
  await withTree(record, { deps, scope }, async ({ containers, tree }) => {
    if ('tarPath' in source) {
      await containers.put(tree, { source, folder: target, keepOwners: true }, scope)
      return
    }
    const type = await typeOf(source.path)
    const found = await containers.stat(tree, target, scope)
    const places = { source: { ...source, type }, target: { path: target, found } }
    const { folder, name } = destinationOf(places)
    await containers.put(tree, { source: { path: source.path, name }, folder, keepOwners: archive }, scope)
  })
}

async function typeOf(path: string): Promise<'dir' | 'other'> {
  try {
    return (await stat(path)).isDirectory() ? 'dir' : 'other'
  } catch (cause) {
    // A link that leads nowhere is copied as such.
    if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ELOOP') return 'other'
    throw new WherryError('copy-failed', `${path} cannot be read (${errnoOf(cause) ?? String(cause)})`, { cause })
  }
}

async function foundAt(path: string): Promise<Found> {
  try {
    return { type: (await stat(path)).isDirectory() ? 'dir' : 'other' }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Gives `work` a tar of a path of a container, and what it has in it, for as long as it takes. */
export async function withPacked<T>(
  record: ContainerRecord,
  { path, followLink }: { readonly path: string; readonly followLink: boolean },
  {
    deps,
    scope,
    work,
  }: Work & { readonly work: (tarPath: string, items: readonly SealItem[], packed: PackedTree) => Promise<T> },
): Promise<T> {
  const files = { tarPath: deps.store.tempPath('copy.tar'), contentsPath: deps.store.tempPath('copy.contents') }
  try {
    const packed = await withTree(record, { deps, scope }, ({ containers, tree }: Access) =>
      containers.pack(tree, { path, follow: followLink, ...files }, scope),
    )
    const entries = decodeContents(await readFile(files.contentsPath)) ?? []
    const source = (offset: number): NonNullable<SealItem['source']> => ({ path: fromText(files.tarPath), offset })
    const items = entries.map((entry) => ({
      entry,
      ...(entry.offset !== undefined && { source: source(entry.offset) }),
    }))
    return await work(files.tarPath, items, packed)
  } finally {
    for (const file of Object.values(files)) await rm(file, { force: true })
  }
}

/**
 * Copies out of a container. Files belong to the caller; devices are left out.
 * @returns how many were left out
 * @throws WherryError `copy-failed`
 */
export async function copyOut(
  record: ContainerRecord,
  { path, target, followLink }: { readonly path: string; readonly target: string; readonly followLink: boolean },
  { deps, scope }: Work,
): Promise<number> {
  return await withPacked(
    record,
    { path, followLink },
    {
      deps,
      scope,
      work: async (_tar, items, packed) => {
        const source = { path, type: packed.type, name: packed.name }
        const { folder, name } = destinationOf({ source, target: { path: target, found: await foundAt(target) } })
        if ((await foundAt(folder))?.type !== 'dir')
          throw new WherryError('copy-failed', `there is no folder ${folder}`)
        const renamed = items.flatMap((item) => renamedItem(item, fromText(packed.name), fromText(name)) ?? [])
        return deps.pool.run('exportFolder', { items: renamed, folder: fromText(folder) }, scope)
      },
    },
  )
}

/** The item under its new name; undefined for a folder that is there already. */
function renamedItem(item: SealItem, from: BytePath, to: BytePath): SealItem | undefined {
  const rename = (path: BytePath): BytePath => {
    const rest = from === '' ? path : path.slice(from.length).replace(/^\//, '')
    return [to, rest].filter((part) => part !== '').join('/')
  }
  const { entry } = item
  const path = rename(entry.path)
  if (path === '') return undefined
  const link = entry.type === 'hardlink' ? { link: rename(entry.link ?? '') } : {}
  return { ...item, entry: { ...entry, path, ...link } }
}
