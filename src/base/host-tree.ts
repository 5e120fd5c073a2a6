/** The root file system of a host base image, as layer entries: programs, what they need, and the few files around them. */
import { lstatSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type BytePath, fromText } from '../core/bytepath.ts'
import { WherryError, errnoOf } from '../core/errors.ts'
import { type Collection, type HostItem, collection } from './collect.ts'
import { type LibraryFinder, libraryFinder } from './libraries.ts'
import type { InstalledPackages } from './installed/contract.ts'
import { findBusybox, findProgram, interpretersOf, unknownName, usualPrograms } from './programs.ts'

/** What to make a tree from. */
export interface HostTreeSpec {
  /** The system to take from; '/' is the machine itself. */
  readonly root: string
  /** Programs (names or absolute paths) and packages; none: a static busybox, else the usual utilities. */
  readonly names: readonly string[]
  /** mtime of folders and made-up files, in nanoseconds. */
  readonly time: bigint
  /** A file that holds `madeFiles()`, for their bytes. */
  readonly madeFilesAt: BytePath
  /** What names may stand for beside programs. */
  readonly packages?: InstalledPackages | undefined
  /** True if no names mean nothing, not the usual programs. */
  readonly onlyNames?: boolean
  /** More files, by absolute path. */
  readonly files?: readonly BytePath[]
  /** True for an absolute path that is to be left out of packages. */
  readonly isExcluded?: (path: BytePath) => boolean
  /** Is told of a package's file that may not be read, which is then left out. */
  readonly onUnreadable?: (path: BytePath) => void
}

/** Made-up text files, in the order of their bytes in one file. */
const madeFiles: readonly (readonly [path: string, text: string])[] = [
  ['etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n'],
  ['etc/group', 'root:x:0:\ntty:x:5:\nstaff:x:50:\nusers:x:100:\nnogroup:x:65534:\n'],
]

const madeFolders: readonly (readonly [path: string, mode: number])[] = [
  ['dev', 0o755],
  ['etc', 0o755],
  ['home', 0o755],
  ['proc', 0o555],
  ['root', 0o700],
  ['run', 0o755],
  ['sys', 0o555],
  ['tmp', 0o1777],
  ['usr/bin', 0o755],
  ['var/tmp', 0o1777],
]

/** The text of all made-up files, one after the other: what `madeFilesAt` must hold. */
export function madeFilesText(): string {
  return madeFiles.map(([, text]) => text).join('')
}

/**
 * Everything that the image holds, folders before what they hold. The same machine and spec give the same items.
 * @throws WherryError `usage` for an unknown name, `io` for a file that is missing or may not be read
 */
export function hostTree(spec: HostTreeSpec): HostItem[] {
  const { root, names } = spec
  const tree = collection(root, spec.time)
  const adder: Adder = { spec, root, tree, libraries: libraryFinder(root), seen: new Set() }
  const usual = names.length === 0 && spec.onlyNames !== true
  const busybox = usual ? findBusybox(root) : undefined
  if (busybox !== undefined) {
    addProgram(adder, busybox.path)
    addApplets(adder, busybox)
  } else if (usual) {
    for (const name of usualPrograms) addIfThere(adder, name)
  } else {
    addPackages(
      adder,
      names.filter((name) => isPackage(spec, name)),
    )
    for (const name of names) if (!isPackage(spec, name)) addProgram(adder, findProgram(root, name) ?? unknown(name))
  }
  for (const path of spec.files ?? []) tree.addHost(path)
  addSkeleton(tree, spec)
  return tree.items()
}

interface Adder {
  readonly spec: HostTreeSpec
  readonly root: string
  readonly tree: Collection
  readonly libraries: LibraryFinder
  /** Files whose needs were looked at. */
  readonly seen: Set<BytePath>
}

function isPackage({ packages }: HostTreeSpec, name: string): boolean {
  return packages?.has(name) === true
}

function unknown(name: string): never {
  throw unknownName(name)
}

/** Packages with their dependencies, and the links that stand for their programs. */
function addPackages(adder: Adder, names: readonly string[]): void {
  const { packages, isExcluded = isBulky } = adder.spec
  if (packages === undefined || names.length === 0) return
  const added = new Set<BytePath>()
  for (const name of packages.withDependencies(names)) {
    for (const path of packages.files(name)) {
      if (isExcluded(path)) continue
      addPackageFile(adder, path)
      added.add(path)
    }
  }
  for (const { link, target } of packages.links) if (added.has(target)) addPackageFile(adder, link)
}

/** Folders of a package that no program needs. */
function isBulky(path: BytePath): boolean {
  return /^\/usr\/share\/(doc|doc-base|man|info|locale|lintian|bug)(\/|$)/.test(path)
}

function addIfThere(adder: Adder, name: string): void {
  const path = findProgram(adder.root, name)
  if (path !== undefined) addProgram(adder, path)
}

/**
 * A package may list what was deleted since, or what only folders of the package manager's own hold. Its files need what its
 * dependencies have; a library beyond that serves what is not installed.
 */
function addPackageFile(adder: Adder, path: BytePath): void {
  const { onUnreadable } = adder.spec
  try {
    const stat = statSync(Buffer.from(join(adder.root, path), 'latin1'), { throwIfNoEntry: false })
    if (stat?.isDirectory() === true) adder.tree.addHost(path)
    else if (stat?.isFile() === true) addWithNeeds(adder, path, 'lenient')
  } catch (error) {
    if (onUnreadable === undefined || !isDenied(error)) throw error
    onUnreadable(path)
  }
}

function isDenied(error: unknown): boolean {
  return errnoOf(error) === 'EACCES' || (error instanceof WherryError && errnoOf(error.cause) === 'EACCES')
}

function addProgram(adder: Adder, path: string): void {
  addWithNeeds(adder, fromText(path))
}

/** Adds a file, and the libraries, loader and interpreter without which it does not start. */
function addWithNeeds(adder: Adder, path: BytePath, libraries: 'strict' | 'lenient' = 'strict'): void {
  const real = adder.tree.addHost(path)
  if (adder.seen.has(real)) return
  adder.seen.add(real)
  const absolute = `/${Buffer.from(real, 'latin1').toString('utf8')}`
  try {
    const found = adder.libraries.closure(absolute)
    for (const library of found) adder.tree.addHost(fromText(library.path))
    if (found.some((l) => l.viaCache)) adder.tree.addHost('/etc/ld.so.cache')
    if (found.length > 0) return
    for (const program of interpretersOf(adder.root, absolute)) addWithNeeds(adder, fromText(program), libraries)
  } catch (error) {
    if (libraries === 'strict' || isDenied(error)) throw readable(error, absolute)
  }
}

function readable(error: unknown, path: string): unknown {
  if (errnoOf(error) !== 'EACCES') return error
  return new WherryError('io', `${path} may not be read by this user`, {
    cause: error,
    hint: 'Leave it out, or make the base image as root.',
  })
}

/** The applets are links beside the program, so that they work whether `/bin` is a link or a folder. */
function addApplets(adder: Adder, busybox: { readonly path: string; readonly applets: readonly string[] }): void {
  const real = adder.tree.addHost(fromText(busybox.path))
  const folder = dirname(real)
  for (const name of busybox.applets) {
    adder.tree.addMade({ path: `${folder}/${name}`, type: 'symlink', mode: 0o777, link: basename(real) })
  }
}

function addSkeleton(tree: Collection, spec: HostTreeSpec): void {
  // Where the machine has `/bin -> usr/bin`, programs must be found under both names.
  for (const path of ['bin', 'lib', 'sbin'].filter((name) => isLink(spec.root, name))) tree.addHost(path)
  for (const [path, mode] of madeFolders) tree.addMade({ path, type: 'dir', mode })
  let offset = 0
  for (const [path, text] of madeFiles) {
    const size = Buffer.byteLength(text)
    tree.addMade({ path, type: 'file', mode: 0o644, size }, { path: spec.madeFilesAt, offset })
    offset += size
  }
  if (!isLink(spec.root, 'bin')) addConventionalPaths(tree)
}

function isLink(root: string, path: string): boolean {
  return lstatSync(join(root, path), { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}

/** `#!/bin/sh` and `#!/usr/bin/env` must work in whichever of the two folders the machine keeps them. */
function addConventionalPaths(tree: Collection): void {
  for (const [path, other] of [
    ['bin/sh', 'usr/bin/sh'],
    ['usr/bin/env', 'bin/env'],
  ] as const) {
    if (tree.has(other) && !tree.has(path)) tree.addMade({ path, type: 'symlink', mode: 0o777, link: `/${other}` })
  }
}
