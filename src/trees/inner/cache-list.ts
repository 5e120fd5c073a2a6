/** What cache mounts there are, and removing them; inside the namespace, since their files have other owners. */
import { closeSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fromText } from '../../core/bytepath.ts'
import { errnoOf } from '../../core/errors.ts'
import { isJsonObject } from '../../core/json.ts'
import { moveIfThere } from '../../host/files.ts'
import { ownedName } from '../../host/owner.ts'
import { lstatIfThere, namesIn, onDisk, removeTree } from '../../rootfs/disk.ts'
import type { CacheMount } from '../contract.ts'
import { lockFile, tryHold } from './cache-lock.ts'
import { cacheFile, isCacheName } from './cache-mounts.ts'

/** The cache mounts in a folder of them, in order of their names. */
export function listCacheMounts(dir: string): CacheMount[] {
  const names = readdirSync(dir).flatMap((name) => (name.endsWith('.json') ? [basename(name, '.json')] : []))
  return names
    .filter(isCacheName)
    .sort()
    .flatMap((name) => describeCacheMount(dir, name) ?? [])
}

/** Deletes those that no run has at this moment. @returns what went */
export function removeCacheMounts(dir: string, names: readonly string[]): CacheMount[] {
  return names.filter(isCacheName).flatMap((name) => removeCacheMount(dir, name) ?? [])
}

function removeCacheMount(dir: string, name: string): CacheMount | undefined {
  const folder = join(dir, name)
  const lock = tryHold(folder, 'exclusive')
  if (lock === undefined) return undefined
  try {
    const found = describeCacheMount(dir, name)
    const aside = join(dir, ownedName('removed'))
    if (moveIfThere(folder, aside)) removeTree(fromText(aside))
    for (const path of [cacheFile(folder), lockFile(folder)]) rmSync(path, { force: true })
    return found
  } finally {
    closeSync(lock)
  }
}

function describeCacheMount(dir: string, name: string): CacheMount | undefined {
  const folder = join(dir, name)
  try {
    const { mtimeMs } = statSync(cacheFile(folder))
    const described: unknown = JSON.parse(readFileSync(cacheFile(folder), 'utf8'))
    const id = isJsonObject(described) && typeof described['id'] === 'string' ? described['id'] : name
    return { name, id, bytes: allocated(folder), lastUsed: mtimeMs }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    // A description that a crash has torn: its id is lost, the rest is there.
    if (error instanceof SyntaxError) return { name, id: name, bytes: allocated(folder), lastUsed: 0 }
    throw error
  }
}

const blockSize = 512n

/** Bytes on disk of a tree, hard links counted once. */
function allocated(folder: string): number {
  const seen = new Set<bigint>()
  let blocks = 0n
  const visit = (disk: string): void => {
    const stat = lstatIfThere(disk)
    if (stat === undefined || (stat.nlink > 1n && !stat.isDirectory() && seen.has(stat.ino))) return
    seen.add(stat.ino)
    blocks += stat.blocks
    if (stat.isDirectory()) for (const name of namesIn(disk)) visit(onDisk(disk, name))
  }
  visit(fromText(folder))
  return Number(blocks * blockSize)
}
