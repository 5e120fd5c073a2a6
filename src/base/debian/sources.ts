/** Where a suite's packages come from: mirrors, suites of updates, keyrings and architectures. */
import { WherryError } from '../../core/errors.ts'
import type { Platform } from '../../oci/platform.ts'

/** A line of sources.list. */
export interface Source {
  /** URL without a slash at its end. */
  readonly mirror: string
  readonly suite: string
  readonly components: readonly string[]
}

/** What is asked for. */
export interface SourceSpec {
  readonly suite: string
  /** A URL, or whole lines of sources.list; none means the distribution's own mirrors with its updates. */
  readonly mirrors: readonly string[]
  readonly components: readonly string[]
  readonly architecture: string
}

const ubuntuSuites: ReadonlySet<string> = new Set(
  'trusty xenial bionic focal jammy lunar mantic noble oracular plucky questing devel'.split(' '),
)

/** Debian's suites that have neither updates nor a security archive of the usual form. */
const debianAlone = /^(sid|unstable|experimental|rc-buggy|buster|stretch|jessie|wheezy|.*-.*)$/

/** True if the suite is one of Ubuntu's. */
export function isUbuntu(suite: string): boolean {
  return ubuntuSuites.has(suite.replace(/-.*/, ''))
}

/**
 * The sources of a suite, its own first.
 * @throws WherryError `usage` for a mirror that is neither URL nor line
 */
export function sourcesOf(spec: SourceSpec): Source[] {
  const { suite, mirrors } = spec
  if (mirrors.length > 0) return mirrors.map((text) => parseMirror(text, spec))
  const components = spec.components.length > 0 ? spec.components : ['main']
  if (isUbuntu(suite)) {
    const isPort = !['amd64', 'i386'].includes(spec.architecture)
    const mirror = isPort ? 'http://ports.ubuntu.com/ubuntu-ports' : 'http://archive.ubuntu.com/ubuntu'
    const security = isPort ? mirror : 'http://security.ubuntu.com/ubuntu'
    return [
      { mirror, suite, components },
      { mirror, suite: `${suite}-updates`, components },
      { mirror: security, suite: `${suite}-security`, components },
    ]
  }
  const mirror = 'http://deb.debian.org/debian'
  if (debianAlone.test(suite)) return [{ mirror, suite, components }]
  return [
    { mirror, suite, components },
    { mirror, suite: `${suite}-updates`, components },
    { mirror: 'http://security.debian.org/debian-security', suite: `${suite}-security`, components },
  ]
}

function parseMirror(text: string, { suite, components }: SourceSpec): Source {
  const named = components.length > 0 ? components : ['main']
  const line = /^deb(?:\s+\[[^\]]*\])?\s+(\S+)\s+(\S+)\s+(\S.*)$/.exec(text.trim())
  const [, url = text.trim(), ofLine = suite, componentsOfLine] = line ?? []
  if (!/^(https?|file):\/\/\S+$/.test(url)) {
    throw new WherryError('usage', `"${text}" is no mirror`, {
      hint: 'Give a URL (http, https or file), or a line of sources.list: "deb URL SUITE COMPONENT...".',
    })
  }
  return {
    mirror: url.replace(/\/+$/, ''),
    suite: ofLine,
    components: componentsOfLine === undefined ? named : componentsOfLine.split(/\s+/),
  }
}

/** The sources as lines of sources.list. */
export function sourceLines(sources: readonly Source[]): string[] {
  return sources.map(({ mirror, suite, components }) => `deb ${mirror} ${suite} ${components.join(' ')}`)
}

/** Where the keys of a suite's maker usually are; those that exist are used. */
export function usualKeyrings(suite: string): string[] {
  const folder = '/usr/share/keyrings'
  return isUbuntu(suite)
    ? [`${folder}/ubuntu-archive-keyring.gpg`]
    : [`${folder}/debian-archive-keyring.gpg`, `${folder}/debian-archive-keyring.pgp`]
}

const architectures: Readonly<Record<string, Platform>> = {
  amd64: { os: 'linux', architecture: 'amd64' },
  i386: { os: 'linux', architecture: '386' },
  arm64: { os: 'linux', architecture: 'arm64' },
  armhf: { os: 'linux', architecture: 'arm', variant: 'v7' },
  armel: { os: 'linux', architecture: 'arm', variant: 'v5' },
  ppc64el: { os: 'linux', architecture: 'ppc64le' },
  s390x: { os: 'linux', architecture: 's390x' },
  riscv64: { os: 'linux', architecture: 'riscv64' },
  mips64el: { os: 'linux', architecture: 'mips64le' },
  loong64: { os: 'linux', architecture: 'loong64' },
}

/** The platform of a Debian architecture. @throws WherryError `usage` for an unknown one */
export function platformOfArchitecture(architecture: string): Platform {
  const platform = architectures[architecture]
  if (platform !== undefined) return platform
  throw new WherryError('usage', `"${architecture}" is no architecture of Debian`, {
    hint: `There are ${Object.keys(architectures).join(', ')}.`,
  })
}

/** Debian's name of a platform's architecture; undefined if it has none. */
export function architectureOf({ architecture }: Platform): string | undefined {
  return Object.keys(architectures).find((name) => architectures[name]?.architecture === architecture)
}

const libraryFolders: Readonly<Record<string, readonly string[]>> = {
  amd64: ['lib32', 'lib64', 'libx32'],
  i386: ['lib64', 'libx32'],
  mips64el: ['lib32', 'lib64', 'libo32'],
  ppc64el: ['lib64'],
  s390x: ['lib32'],
  loong64: ['lib64'],
}

/** Folders of the root that are links into /usr where these are merged. As debootstrap's setup_merged_usr has it. */
export function mergedFolders(architecture: string): string[] {
  return ['bin', 'sbin', 'lib', ...(libraryFolders[architecture] ?? [])]
}
