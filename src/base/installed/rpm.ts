/** Packages that rpm has installed: its database is asked through rpm itself, whose file formats change. rpm(8). */
import type { BytePath } from '../../core/bytepath.ts'
import { WherryError } from '../../core/errors.ts'
import { runProgram } from '../../host/program.ts'
import { findTool } from '../../host/tools.ts'
import { type InstalledPackages, type Needs, dependencyClosure } from './contract.ts'

interface RpmPackage extends Needs {
  readonly version: string
  readonly provides: readonly string[]
  readonly files: readonly BytePath[]
}

/** A line for each fact; its letter says which. Array tags in brackets give a line for each of their values. */
export const rpmQuery = [
  'N %{NAME}\\n',
  'E %{VERSION}-%{RELEASE}.%{ARCH}\\n',
  '[R %{REQUIRENAME}\\n]',
  '[P %{PROVIDENAME}\\n]',
  '[F %{FILENAMES}\\n]',
].join('')

/**
 * What rpm has installed below `root`; undefined if rpm is not there, or has nothing.
 * @throws WherryError `io` if its database cannot be read, `cancelled`
 */
export async function rpmPackages(root: string, signal: AbortSignal): Promise<InstalledPackages | undefined> {
  const rpm = findTool('rpm')
  if (rpm === undefined) return undefined
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', HOME: '/' }
  const { code, stdout, stderr } = await runProgram([rpm, '--root', root, '-qa', '--qf', rpmQuery], { env }, signal)
  if (code !== 0) throw new WherryError('io', `rpm cannot read its database: ${stderr.trim().slice(0, 300)}`)
  const packages = parseRpmAnswer(stdout.toString('latin1'))
  return packages.length === 0 ? undefined : installedOf(packages)
}

/** The packages in an answer to `rpmQuery`. */
export function parseRpmAnswer(text: string): RpmPackage[] {
  const packages: { name: string; version: string; needs: string[][]; provides: string[]; files: string[] }[] = []
  for (const line of text.split('\n')) {
    const [kind, value] = [line.slice(0, 2), line.slice(2)]
    if (kind === 'N ') packages.push({ name: value, version: '', needs: [], provides: [], files: [] })
    const last = packages.at(-1)
    if (last === undefined) continue
    if (kind === 'E ') last.version = value
    else if (kind === 'P ') last.provides.push(value)
    else if (kind === 'F ') last.files.push(value)
    // What rpm itself must be able to do is no package; `(a if b)` is a condition of newer ones, and holds where it is installed.
    else if (kind === 'R ' && !/^(rpmlib\(|config\(|\()/.test(value)) last.needs.push([value])
  }
  return packages
}

/** The packages as a database. */
export function installedOf(packages: readonly RpmPackage[]): InstalledPackages {
  const byName = new Map<string, RpmPackage>()
  for (const p of packages) if (!byName.has(p.name)) byName.set(p.name, p)
  const providers = new Map<string, RpmPackage[]>()
  const provide = (name: string, p: RpmPackage): void => {
    const known = providers.get(name)
    if (known === undefined) providers.set(name, [p])
    else known.push(p)
  }
  for (const p of byName.values()) {
    for (const name of new Set(p.provides)) provide(name, p)
    // A requirement may be a file.
    for (const file of p.files)
      if (/^\/(usr\/)?s?bin\//.test(file)) for (const path of bothPaths(file)) provide(path, p)
  }
  return {
    manager: 'rpm',
    has: (name) => byName.has(name),
    withDependencies: (names) =>
      dependencyClosure(
        names.flatMap((name) => byName.get(name) ?? []),
        (name) => providers.get(name) ?? [byName.get(name) ?? []].flat(),
      ).map((p) => p.name),
    describe: (name) => `${name} ${byName.get(name)?.version ?? ''}`,
    files: (name) => byName.get(name)?.files ?? [],
    links: [],
  }
}

/** /bin is a link to /usr/bin where rpm is at home; requirements name either. */
function bothPaths(path: string): string[] {
  return path.startsWith('/usr/') ? [path, path.slice(4)] : [path, `/usr${path}`]
}
