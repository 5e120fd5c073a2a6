/** What `base host --prepare` leaves and `--build` reads: lists of packages, of files, of exclusions, and tars. supermin(1). */
import { closeSync, createReadStream, openSync, readSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { decompress } from '../../archive/decompress.ts'
import { detectCompression, sniffCompression } from '../../archive/detect.ts'
import { type BytePath, fromText } from '../../core/bytepath.ts'
import { WherryError, errnoOf } from '../../core/errors.ts'

/** A description of a system in terms of the machine that it will be built on. */
export interface Appliance {
  readonly packages: readonly string[]
  /** Absolute paths, with wildcards. */
  readonly hostFiles: readonly string[]
  /** Wildcards without their minus. */
  readonly excluded: readonly string[]
  /** Files with tars, in any compression, the later over the earlier. */
  readonly tars: readonly string[]
}

/** Lists are held in memory, in bytes. */
const maxList = 16 << 20

/**
 * Reads files and folders, in the order of their names. What a file is, its content says: a tar, or a list whose lines begin
 * with a slash (files), a minus (exclusions) or neither (packages).
 * @throws WherryError `usage` for an input that is not there, `archive-invalid`
 */
export async function readAppliance(inputs: readonly string[]): Promise<Appliance> {
  const found = { packages: [] as string[], hostFiles: [] as string[], excluded: [] as string[], tars: [] as string[] }
  for (const path of inputs.flatMap(filesIn)) {
    const text = await listText(path)
    if (text === undefined) found.tars.push(path)
    for (const line of (text ?? '').split('\n').map((l) => l.trim())) {
      if (line.startsWith('/')) found.hostFiles.push(line)
      else if (line.startsWith('-')) found.excluded.push(line.slice(1))
      else if (line !== '') found.packages.push(line)
    }
  }
  return found
}

function filesIn(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    return readdirSync(path)
      .sort()
      .flatMap((name) => filesIn(join(path, name)))
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT') throw cause
    throw new WherryError('usage', `${path} is not there`, { hint: 'Name what `base host --prepare` has made.', cause })
  }
}

/** The text of a list; undefined for a tar, whose first block has its magic. */
async function listText(path: string): Promise<string | undefined> {
  const head = Buffer.alloc(512)
  const fd = openSync(path, 'r')
  const length = readSync(fd, head, 0, head.length, 0)
  closeSync(fd)
  if (detectCompression(head) === 'none' && isTar(head.subarray(0, length))) return undefined
  const { kind, source } = await sniffCompression(createReadStream(path))
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of decompress(source, kind)) {
    if (size === 0 && isTar(chunk)) return undefined
    chunks.push(chunk)
    size += chunk.length
    if (size > maxList) throw new WherryError('archive-invalid', `${path} is neither a tar nor a list`)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function isTar(head: Uint8Array): boolean {
  return Buffer.from(head.subarray(257, 262)).toString('latin1') === 'ustar'
}

/** True for paths that one of the wildcards fits; `*` fits slashes too. fnmatch(3) without flags. */
export function exclusion(patterns: readonly string[]): (path: BytePath) => boolean {
  const tests = patterns.map((pattern) => wildcard(pattern, '.'))
  return (path) => tests.some((test) => test.test(path))
}

/** The paths below `root` that a pattern fits, sorted. glob(7) */
export function expandWildcards(root: string, pattern: string): BytePath[] {
  let found: BytePath[] = ['']
  for (const part of pattern.split('/').filter((p) => p !== '')) {
    if (!/[*?[]/.test(part)) {
      found = found.map((path) => `${path}/${fromText(part)}`)
      continue
    }
    const test = wildcard(part, '[^/]')
    found = found.flatMap((path) =>
      namesIn(join(fromText(root), path))
        .filter((name) => test.test(name) && (part.startsWith('.') || !name.startsWith('.')))
        .map((name) => `${path}/${name}`),
    )
  }
  return found.filter((path) => isThere(join(fromText(root), path)))
}

function wildcard(pattern: string, any: string): RegExp {
  const source = fromText(pattern).replace(/\[!|[.+^${}()|\\]|\*|\?/g, (c) => {
    if (c === '*') return `${any}*`
    if (c === '?') return any
    return c === '[!' ? '[^' : `\\${c}`
  })
  return new RegExp(`^${source}$`, 's')
}

function namesIn(folder: BytePath): BytePath[] {
  try {
    return readdirSync(Buffer.from(folder, 'latin1'), { encoding: 'latin1' }).sort()
  } catch {
    // No folder: nothing fits.
    return []
  }
}

function isThere(path: BytePath): boolean {
  return statSync(Buffer.from(path, 'latin1'), { throwIfNoEntry: false }) !== undefined
}
