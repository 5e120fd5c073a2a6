/**
 * A Debian system made by the machine's own mmdebstrap or debootstrap. It runs in the sandbox, over a root made of the packages
 * that it needs: what it does reaches nothing of the machine, and works with one id as with many.
 */
import { existsSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { fromText } from '../../core/bytepath.ts'
import { WherryError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import type { SealItem } from '../../layer/contract.ts'
import { hostTree, madeFilesText } from '../host-tree.ts'
import type { InstalledPackages } from '../installed/contract.ts'
import { type TempLayer, mergedItems } from '../workspace.ts'
import { finishedItems } from './finish.ts'
import { outputTail, runFailed, searchPath } from './output.ts'
import type { DebianPlace } from './own.ts'
import { type Source, sourceLines, usualKeyrings } from './sources.ts'
import type { DebootstrapSpec } from './spec.ts'

/** A program of the machine that makes systems, and the packages of the machine. */
export interface Driver {
  readonly tool: 'mmdebstrap' | 'debootstrap'
  readonly packages: InstalledPackages
}

/** What such a program calls on without depending on it, since every Debian system has it; those that are installed are taken. */
const usualNeeds =
  'coreutils dash bash tar sed grep gzip findutils diffutils debianutils util-linux mount dpkg apt perl perl-base hostname libc-bin base-files base-passwd xz-utils bzip2 zstd gpgv gpg gnupg ca-certificates wget debian-archive-keyring ubuntu-keyring binutils distro-info-data arch-test'.split(
    ' ',
  )

/** Users and groups as the machine numbers them: a package's folders may be theirs before it has made its own. */
const hostFiles = ['/etc/passwd', '/etc/group', '/etc/nsswitch.conf', '/etc/ld.so.cache', '/etc/ssl/certs']

/** Where the system is made, inside the tool's root. */
const target = 'target'

/**
 * Makes the system; the items of its root.
 * @throws WherryError `run-failed` if the tool fails, `io`, `cancelled`
 */
export async function makeDriven(
  spec: DebootstrapSpec,
  { driver, place }: { readonly driver: Driver; readonly place: DebianPlace },
  scope: Scope,
): Promise<SealItem[]> {
  const { workspace, deps, onOutput } = place
  const { tool } = driver
  const texts = workspace.temp('base-files')
  await writeFile(texts, madeFilesText())
  onOutput(`I: collecting ${tool} from this machine\n`)
  const keyring = spec.keyring === undefined ? undefined : '/etc/wherry-keyring.gpg'
  const items: SealItem[] = hostTree({
    root: '/',
    names: [tool, ...usualNeeds.filter((name) => driver.packages.has(name))],
    time: spec.time,
    madeFilesAt: fromText(texts),
    packages: driver.packages,
    files: hostFiles.filter((path) => existsSync(path)).map(fromText),
    onUnreadable: () => undefined,
  })
  const tools = await workspace.layer([...items, ...keyringItems(spec, keyring)], scope)
  const env = [
    `PATH=${searchPath}`,
    'LC_ALL=C.UTF-8',
    'TERM=dumb',
    'DEBIAN_FRONTEND=noninteractive',
    // For debootstrap: devices are there, and need not be made.
    'container=lxc',
    ...proxies(deps.env),
  ]
  const tail = outputTail(onOutput)
  const args = argumentsOf(spec, tool, keyring)
  onOutput(`I: ${args.join(' ')}\n`)
  const changed = await workspace.run({ over: tools.stack, args, env, onOutput: tail.add }, scope)
  if (changed === undefined) throw runFailed(tool, tail.lines())
  const made = mergedItems([below(changed, target)])
  const more = tool === 'debootstrap' ? secondStage : made.some(isTmpfiles) ? tmpfilesAgain : undefined
  if (more === undefined) return finishedItems(made, spec.time)
  const first = await workspace.layer(made, scope)
  const second = await workspace.run({ over: first.stack, args: more, env, onOutput: tail.add }, scope)
  if (second === undefined) throw runFailed(tool, tail.lines())
  return finishedItems(mergedItems([first, second]), spec.time)
}

/** debootstrap(8), "Cross-architecture and foreign": where the first stage may make no devices and mount nothing, the second has both. */
const secondStage = ['/debootstrap/debootstrap', '--second-stage']

/** What packages asked of systemd-tmpfiles came to nothing without /proc, which mmdebstrap may not mount: it is asked again in the new system. */
const tmpfilesAgain = ['sh', '-c', 'systemd-tmpfiles --create || :']

function isTmpfiles({ entry }: SealItem): boolean {
  return entry.path === 'usr/bin/systemd-tmpfiles' || entry.path === 'bin/systemd-tmpfiles'
}

/** The part of a layer below a folder, as a tree of its own. */
function below({ entries, tarPath }: TempLayer, folder: string): TempLayer {
  const prefix = `${folder}/`
  const own = entries.flatMap((entry) => {
    if (!entry.path.startsWith(prefix)) return []
    const moved = { ...entry, path: entry.path.slice(prefix.length) }
    return [entry.type === 'hardlink' ? { ...moved, link: entry.link?.slice(prefix.length) ?? '' } : moved]
  })
  return { entries: own, tarPath }
}

function keyringItems({ keyring, time }: DebootstrapSpec, to: string | undefined): SealItem[] {
  if (keyring === undefined || to === undefined) return []
  const { size } = statSync(keyring)
  const path = fromText(to.slice(1))
  return [
    {
      entry: { path, type: 'file', mode: 0o644, uid: 0, gid: 0, size, mtime: time },
      source: { path: fromText(keyring), offset: 0 },
    },
  ]
}

/** Variables of proxies: a system is fetched by the tool's own means. */
function proxies(env: Readonly<Record<string, string | undefined>>): string[] {
  return ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) =>
    env[name] === undefined ? [] : [`${name}=${env[name]}`],
  )
}

function argumentsOf(spec: DebootstrapSpec, tool: Driver['tool'], keyring: string | undefined): string[] {
  return tool === 'mmdebstrap' ? mmdebstrapArguments(spec, keyring) : debootstrapArguments(spec, keyring)
}

/**
 * mmdebstrap(1) as root of a namespace, which may mount nothing. The keys of the suite's maker are trusted, whatever the machine's
 * apt trusts.
 */
function mmdebstrapArguments(spec: DebootstrapSpec, keyring: string | undefined): string[] {
  const { suite, variant, include, architecture } = spec
  const keys = keyring ?? usualKeyrings(suite).find((path) => existsSync(path))
  const lines = sourceLines(spec.sources).map((line) =>
    spec.checkSignatures ? line : line.replace('deb ', 'deb [trusted=yes] '),
  )
  return [
    'mmdebstrap',
    '--mode=root',
    '--format=directory',
    `--variant=${variant}`,
    `--architectures=${architecture}`,
    '--skip=check/qemu,check/signed-by',
    ...(keys === undefined ? [] : [`--keyring=${keys}`]),
    ...(include.length === 0 ? [] : [`--include=${include.join(',')}`]),
    suite,
    `/${target}`,
    lines.join('\n'),
  ]
}

/** debootstrap(8): one mirror, and its first stage only. */
function debootstrapArguments(spec: DebootstrapSpec, keyring: string | undefined): string[] {
  const { suite, variant, include, architecture } = spec
  const [first] = spec.sources as readonly [Source, ...Source[]]
  if (!['important', 'debootstrap', 'minbase', 'buildd'].includes(variant)) {
    throw new WherryError('usage', `debootstrap has no variant ${variant}`, { hint: 'There are minbase and buildd.' })
  }
  return [
    'debootstrap',
    '--foreign',
    ...(['minbase', 'buildd'].includes(variant) ? [`--variant=${variant}`] : []),
    `--arch=${architecture}`,
    `--components=${first.components.join(',')}`,
    ...(spec.checkSignatures ? [] : ['--no-check-gpg']),
    ...(keyring === undefined ? [] : [`--keyring=${keyring}`]),
    ...(include.length === 0 ? [] : [`--include=${include.join(',')}`]),
    suite,
    `/${target}`,
    first.mirror,
  ]
}
