/** A Debian system without debootstrap: packages are resolved, fetched and unpacked here, and configure themselves in the sandbox. */
import { writeFile } from 'node:fs/promises'
import { mapLimit } from '../../core/schedule.ts'
import type { Scope } from '../../core/scope.ts'
import type { HttpClient } from '../../http/client.ts'
import type { SealItem } from '../../layer/contract.ts'
import { type Workspace, type WorkspaceDeps, mergedItems } from '../workspace.ts'
import { finishedItems } from './finish.ts'
import { installGroups } from './order.ts'
import { outputTail, runFailed, searchPath } from './output.ts'
import type { DebianPackage } from './package.ts'
import { fetchPackages, readIndexes } from './repository.ts'
import { selectPackages, universeOf } from './select.ts'
import { type SignatureCheck, openSignatureCheck } from './signature.ts'
import { type Source, mergedFolders, sourceLines } from './sources.ts'
import type { DebootstrapSpec } from './spec.ts'
import { archives, firstTree } from './unpack.ts'

/** What making a system works with. */
export interface DebianDeps extends WorkspaceDeps {
  readonly http: HttpClient
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Where a system is made. */
export interface DebianPlace {
  readonly deps: DebianDeps
  readonly workspace: Workspace
  /** Lines of what the programs say. */
  readonly onOutput: (text: string) => void
}

/**
 * Makes the system; the items of its root.
 * @throws WherryError `usage`, `network`, `auth-failed`, `host-unsupported`, `build-failed`, `run-failed`, `cancelled`
 */
export async function makeOwn(
  spec: DebootstrapSpec,
  { deps, workspace, onOutput }: DebianPlace,
  scope: Scope,
): Promise<SealItem[]> {
  const { sources, architecture } = spec
  const say = (message: string): void => onOutput(`I: ${message}\n`)
  const check = spec.checkSignatures ? await signatureCheck(spec, workspace) : undefined
  const repository = { http: deps.http, store: deps.store, lease: workspace.lease, check }
  say('reading the package lists')
  const universe = universeOf(
    await mapLimit(sources, sources.length, (s) => readIndexes(s, architecture, { repository, scope })),
  )
  const chosen = selectPackages(universe, spec)
  say(`fetching ${chosen.all.length} packages`)
  const paths = await fetchPackages(chosen.all, { repository, scope })
  const all = chosen.all.map((p, i) => ({ package: p, path: paths[i]! }))
  const essential = all.filter((fetched) => chosen.essential.includes(fetched.package))
  const texts = textFiles(spec.sources, architecture, chosen.automatic)
  const textsPath = workspace.temp('base-texts')
  await writeFile(textsPath, texts.map(([, text]) => text).join(''))
  const merged = universe.byName.has('usr-is-merged') ? mergedFolders(architecture) : []
  say(`unpacking ${essential.length} essential packages`)
  const first = { essential, all, texts, textsPath, merged, time: spec.time }
  const layer = await workspace.layer(await firstTree(first, { pool: deps.pool, temp: workspace.temp }, scope), scope)
  say(`installing ${all.length} packages`)
  const tail = outputTail(onOutput)
  const args = ['sh', '-c', installScript(installGroups(chosen, universe))]
  const changed = await workspace.run({ over: layer.stack, args, env: installEnvironment, onOutput: tail.add }, scope)
  if (changed === undefined) throw runFailed('dpkg', tail.lines())
  return finishedItems(mergedItems([layer, changed]), spec.time)
}

async function signatureCheck(spec: DebootstrapSpec, workspace: Workspace): Promise<SignatureCheck> {
  const { suite, keyring } = spec
  return openSignatureCheck({ suite, keyring, tempPath: (label) => workspace.temp(label) })
}

const installEnvironment = [
  `PATH=${searchPath}`,
  'DEBIAN_FRONTEND=noninteractive',
  'DEBCONF_NONINTERACTIVE_SEEN=true',
  'LC_ALL=C.UTF-8',
  'LANG=C.UTF-8',
  'TERM=dumb',
]

/** What mmdebstrap writes too; apt's list of what may go when nothing needs it any more is last. */
function textFiles(
  sources: readonly Source[],
  architecture: string,
  automatic: readonly string[],
): (readonly [string, string])[] {
  const states = automatic.map((name) => `Package: ${name}\nArchitecture: ${architecture}\nAuto-Installed: 1\n\n`)
  return [
    ['etc/fstab', '# UNCONFIGURED FSTAB FOR BASE SYSTEM\n'],
    ['etc/apt/sources.list', `${sourceLines(sources).join('\n')}\n`],
    ['var/lib/dpkg/status', ''],
    ['var/lib/dpkg/arch', `${architecture}\n`],
    ['var/lib/apt/extended_states', states.join('')],
  ]
}

/**
 * Installs the groups, with no daemon started on the way. dpkg does not order by Pre-Depends what it is given at once, so it is
 * told to go on regardless; what a package needs while it is unpacked was configured with the group before.
 */
function installScript(groups: readonly (readonly DebianPackage[])[]): string {
  const dpkg = 'dpkg --force-unsafe-io --force-depends'
  const install = groups.map((group, i) => {
    const files = group.map((p) => `/${archives}/${p.name}.deb`).join(' ')
    return i === 0 ? [`${dpkg} --install ${files}`] : [`${dpkg} --unpack ${files}`, `${dpkg} --configure --pending`]
  })
  return [
    'set -eu',
    "printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d",
    'chmod 755 /usr/sbin/policy-rc.d',
    ...install.flat(),
    // Whatever was forced, in the end all must hold.
    'dpkg --configure --pending',
    'test -z "$(dpkg --audit)"',
    `rm -f /${archives}/*.deb`,
    // As apt itself leaves its folders after its first run.
    'if getent passwd _apt >/dev/null; then for dir in /var/cache/apt/archives /var/lib/apt/lists; do',
    'install -d -m 700 -o _apt -g root $dir/partial; install -m 640 /dev/null $dir/lock; done; fi',
    '',
  ].join('\n')
}
