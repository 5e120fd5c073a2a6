/** Programs of the host that wherry calls, found once. */
import { accessSync, constants, statSync } from 'node:fs'
import { WherryError } from '../core/errors.ts'

/** Folders searched after those of PATH: an ordinary user's PATH often lacks sbin. */
const systemFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** Debian's package of each program, for hints. */
const packages: Readonly<Record<string, string>> = {
  newuidmap: 'uidmap',
  newgidmap: 'uidmap',
  getsubids: 'uidmap',
  env: 'coreutils',
  sh: 'dash',
}

const found = new Map<string, string | undefined>()

/** PATH with the system's folders behind it. */
export function widePath(path: string | undefined = process.env['PATH']): string {
  const own = (path ?? '').split(':').filter((folder) => folder.startsWith('/'))
  return [...new Set([...own, ...systemFolders])].join(':')
}

/** The absolute path of a host program, or undefined. Remembered. */
export function findTool(name: string): string | undefined {
  if (!found.has(name)) found.set(name, search(name))
  return found.get(name)
}

function search(name: string): string | undefined {
  return widePath()
    .split(':')
    .map((folder) => `${folder}/${name}`)
    .find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/**
 * The absolute path of a host program that wherry cannot do without.
 * @throws WherryError `host-unsupported`
 */
export function requireTool(name: string): string {
  const path = findTool(name)
  if (path !== undefined) return path
  const hint = `install the package that has ${name} (${packages[name] ?? 'util-linux'} on Debian and Ubuntu)`
  throw new WherryError('host-unsupported', `the program ${name} is not on this machine`, { hint })
}
