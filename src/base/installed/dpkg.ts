/** Packages that dpkg has installed, read from its files. dpkg(1), dpkg-query(1), update-alternatives(1). */
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { BytePath } from '../../core/bytepath.ts'
import { parseDependencies } from '../debian/package.ts'
import { parseStanzas } from '../debian/stanzas.ts'
import { type InstalledPackages, type Needs, dependencyClosure } from './contract.ts'

interface DpkgPackage extends Needs {
  readonly version: string
  readonly architecture: string
}

const fields: ReadonlySet<string> = new Set(
  'Package Status Version Architecture Depends Pre-Depends Provides'.split(' '),
)

const folder = 'var/lib/dpkg'

/** What dpkg has installed below `root`; undefined if it manages nothing there. */
export function dpkgPackages(root: string): InstalledPackages | undefined {
  const status = join(root, folder, 'status')
  if (!existsSync(status)) return undefined
  const byName = new Map<string, DpkgPackage>()
  const providers = new Map<string, DpkgPackage[]>()
  for (const stanza of parseStanzas(readFileSync(status, 'utf8'), fields)) {
    const field = (name: string): string => stanza.get(name) ?? ''
    if (!field('Status').endsWith(' installed')) continue
    const p: DpkgPackage = {
      name: field('Package'),
      version: field('Version'),
      architecture: field('Architecture'),
      needs: parseDependencies(`${field('Pre-Depends')},${field('Depends')}`).map((c) => c.map((a) => a.name)),
    }
    // Of several architectures the machine's own.
    if (byName.has(p.name) && p.architecture !== nativeArchitecture()) continue
    byName.set(p.name, p)
    for (const name of parseDependencies(field('Provides')).flatMap((c) => c.map((a) => a.name))) {
      providers.set(name, [...(providers.get(name) ?? []), p])
    }
  }
  const named = (name: string): DpkgPackage[] => {
    const own = byName.get(name)
    return [...(own === undefined ? [] : [own]), ...(providers.get(name) ?? [])]
  }
  return {
    manager: 'dpkg',
    has: (name) => byName.has(name),
    withDependencies: (names) =>
      dependencyClosure(
        names.flatMap((name) => byName.get(name) ?? []),
        named,
      ).map((p) => p.name),
    describe: (name) => `${name} ${byName.get(name)?.version ?? ''}`,
    files: (name) => filesOf(root, byName.get(name)),
    get links() {
      return alternativesOf(root)
    },
  }
}

/** dpkg's name of the architecture that Node was made for. */
function nativeArchitecture(): string {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', arm: 'armhf', ia32: 'i386', ppc64: 'ppc64el' }
  return names[process.arch] ?? process.arch
}

function filesOf(root: string, p: DpkgPackage | undefined): BytePath[] {
  if (p === undefined) return []
  const info = join(root, folder, 'info')
  const list = [`${p.name}:${p.architecture}.list`, `${p.name}.list`].map((f) => join(info, f)).find(existsSync)
  if (list === undefined) return []
  const paths = readFileSync(list, 'latin1').split('\n')
  return paths.filter((path) => path.startsWith('/') && path !== '/.')
}

/** The second line of an alternative's file is its link; the link of its name in /etc/alternatives says what was chosen. */
function alternativesOf(root: string): { link: BytePath; target: BytePath }[] {
  const at = join(root, folder, 'alternatives')
  if (!existsSync(at)) return []
  return readdirSync(at).flatMap((name) => {
    const [, link] = readFileSync(join(at, name), 'latin1').split('\n')
    const chosen = join(root, 'etc/alternatives', name)
    if (!link?.startsWith('/')) return []
    try {
      return [{ link, target: readlinkSync(chosen, { encoding: 'latin1' }) }]
    } catch {
      // Nothing was chosen.
      return []
    }
  })
}
