/** Finds the shared libraries of a program as the dynamic loader would, from ELF headers alone. ld.so(8). */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { WherryError } from '../core/errors.ts'
import { type ElfInfo, readElf } from './elf.ts'

/** A library file that a program needs. */
export interface Library {
  /** Absolute path as the loader would open it, below the root given. */
  readonly path: string
  /** True if the loader finds it only through its cache (`/etc/ld.so.cache`), not in its built-in folders. */
  readonly viaCache: boolean
}

/** Looks libraries up in the system below one root. */
export interface LibraryFinder {
  /**
   * The loader and every library, direct and indirect, that the ELF file at `path` needs; empty for anything else.
   * @throws WherryError `io` for a library that is not there
   */
  closure(path: string): Library[]
}

/** Folders that glibc and musl search unasked; the multi-arch ones are Debian's. */
const builtIn = ['/lib', '/usr/lib', '/lib64', '/usr/lib64']

interface Loaded {
  readonly path: string
  readonly info: ElfInfo
  readonly viaCache: boolean
}

/** Who asks for a library: search paths depend on the file itself and, with DT_RPATH, on those that loaded it. */
interface Requester {
  readonly path: string
  readonly info: ElfInfo
  readonly inherited: readonly string[]
}

/** A finder for the system below `root` ('/' for the machine itself). */
export function libraryFinder(root: string): LibraryFinder {
  const configured = configuredFolders(root)
  const cache = new Map<string, ElfInfo | undefined>()
  const elfAt = (path: string): ElfInfo | undefined => {
    if (!cache.has(path)) cache.set(path, isFile(join(root, path)) ? readElf(join(root, path)) : undefined)
    return cache.get(path)
  }

  const find = (name: string, by: Requester): Loaded | undefined => {
    const own = by.info.runpath.length > 0 ? by.info.runpath : [...rpathOf(by), ...by.inherited]
    const fits = (path: string, viaCache: boolean): Loaded | undefined => {
      const info = elfAt(path)
      return info?.abi === by.info.abi ? { path, info, viaCache } : undefined
    }
    if (name.includes('/')) return fits(name, false)
    const tries = [
      ...own.map((folder) => [join(expand(folder, by.path), name), false] as const),
      ...builtInFor(by.info, root).map((folder) => [join(folder, name), false] as const),
      ...configured.map((folder) => [join(folder, name), true] as const),
    ]
    for (const [path, viaCache] of tries) {
      const found = fits(path, viaCache)
      if (found !== undefined) return found
    }
    return undefined
  }

  return {
    closure(path) {
      const info = elfAt(path)
      if (info === undefined) return []
      const found = new Map<string, Library>()
      if (info.interpreter) found.set(info.interpreter, { path: info.interpreter, viaCache: false })
      const loader = info.interpreter && basename(info.interpreter)
      const queue: Requester[] = [{ path, info, inherited: [] }]
      for (let by = queue.shift(); by !== undefined; by = queue.shift()) {
        for (const name of by.info.needed) {
          if (name === loader) continue
          const library = find(name, by)
          if (library === undefined) throw missing(name, by.path)
          if (found.has(library.path)) continue
          found.set(library.path, library)
          queue.push({ path: library.path, info: library.info, inherited: [...rpathOf(by), ...by.inherited] })
        }
      }
      return [...found.values()]
    },
  }
}

function missing(name: string, path: string): WherryError {
  return new WherryError('io', `the library ${name}, which ${path} needs, is not on this machine`, {
    hint: 'Install the package that holds it, or leave the program out.',
  })
}

/** DT_RPATH counts only where there is no DT_RUNPATH. */
function rpathOf(by: Pick<Requester, 'info' | 'path'>): string[] {
  return by.info.runpath.length > 0 ? [] : by.info.rpath.map((folder) => expand(folder, by.path))
}

function expand(folder: string, path: string): string {
  return folder.replace(/\$(ORIGIN\b|\{ORIGIN\})/g, dirname(path)).replace(/\$(LIB\b|\{LIB\})/g, 'lib')
}

/** Debian's loader has its multi-arch folders built in; the machine numbers are those of the ELF header. */
function builtInFor(info: ElfInfo, root: string): string[] {
  const triplets: Readonly<Record<string, string>> = {
    '64le-62': 'x86_64-linux-gnu',
    '64le-183': 'aarch64-linux-gnu',
    '32le-40': 'arm-linux-gnueabihf',
    '32le-3': 'i386-linux-gnu',
    '64le-21': 'powerpc64le-linux-gnu',
    '64be-22': 's390x-linux-gnu',
    '64le-243': 'riscv64-linux-gnu',
  }
  const triplet = triplets[info.abi]
  const multiArch =
    triplet && isFolder(join(root, 'usr/lib', triplet)) ? [`/lib/${triplet}`, `/usr/lib/${triplet}`] : []
  return [...multiArch, ...builtIn]
}

/** The folders that `/etc/ld.so.conf` and its includes name. ldconfig(8). */
function configuredFolders(root: string, file = '/etc/ld.so.conf', depth = 0): string[] {
  if (depth > 4 || !isFile(join(root, file))) return []
  const lines = readFileSync(join(root, file), 'utf8').split('\n')
  return lines.flatMap((line) => {
    const text = line.replace(/#.*/, '').trim()
    const pattern = /^include\s+(.*)$/.exec(text)?.[1]
    if (pattern === undefined) return text.startsWith('/') ? [text] : []
    return pattern
      .split(/\s+/)
      .flatMap((p) => globbed(root, p))
      .flatMap((f) => configuredFolders(root, f, depth + 1))
  })
}

/** The files of a pattern with `*` in its last part, sorted. */
function globbed(root: string, pattern: string): string[] {
  const absolute = pattern.startsWith('/') ? pattern : `/etc/${pattern}`
  const folder = dirname(absolute)
  if (!isFolder(join(root, folder))) return []
  const escaped = basename(absolute)
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
  const matches = new RegExp(`^${escaped}$`)
  return readdirSync(join(root, folder))
    .filter((name) => matches.test(name))
    .sort()
    .map((name) => join(folder, name))
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
