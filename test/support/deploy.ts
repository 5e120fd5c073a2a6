/** The files of deploy/ as data: their documents, the containers that run wherry, and the command lines in them. */
import { readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { readArguments } from '../../src/cli/argv.ts'
import { commands } from '../../src/cli/commands.ts'
import type { Facts } from '../../src/host/contract.ts'
import { defaultContainer, dockerCapabilities, ordinaryUser } from './facts.ts'

const folder = join(import.meta.dirname, '..', '..', 'deploy')

/** Paths of all files that say how wherry is run, from deploy/ on. */
export function deployFiles(): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && entry.name !== 'seccomp.json')
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
}

/** A seccomp profile that lets wherry work and forbids most of what containers are forbidden. */
export const seccompProfile: string = join(folder, 'seccomp.json')

export function deployText(path: string): string {
  return readFileSync(join(folder, path), 'utf8')
}

/** The YAML documents of a file; of a Jenkinsfile those that it holds as text. @throws Error if one is malformed */
export function deployDocuments(path: string): unknown[] {
  const text = deployText(path)
  const parts = path.endsWith('.yaml') || path.endsWith('.yml') ? [text] : inlineDocuments(text)
  const documents = parts.flatMap((part) => parseAllDocuments(part, { strict: true, uniqueKeys: true }))
  return documents.map((document) => {
    if (document.errors.length > 0 || document.warnings.length > 0)
      throw new Error(`${path}: ${[...document.errors, ...document.warnings].map(String).join('; ')}`)
    return document.toJS() as unknown
  })
}

function inlineDocuments(text: string): string[] {
  return [...text.matchAll(/yaml '''([^]*?)'''/g)].map(([, inner = '']) => inner)
}

/** A container that runs wherry, as far as tests look at it. */
export interface WherryContainer {
  readonly name: string
  readonly args?: readonly string[]
  readonly command?: readonly string[]
  readonly script?: string
  readonly securityContext?: SecurityContext
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
}

export interface SecurityContext {
  readonly runAsUser?: number
  readonly runAsNonRoot?: boolean
  readonly seccompProfile?: { readonly type: string }
  readonly appArmorProfile?: { readonly type: string }
  readonly procMount?: string
  readonly privileged?: boolean
  readonly allowPrivilegeEscalation?: boolean
  readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] }
}

/** The pods of a file that run wherry, with what holds for the pod as a whole. */
export interface WherryPod {
  readonly container: WherryContainer
  readonly hostUsers: boolean
  /** Names of the volumes that the pod has. */
  readonly volumes: readonly string[]
}

/** Finds every pod, however deep it is in the documents. */
export function podsOf(documents: readonly unknown[]): WherryPod[] {
  return documents.flatMap((document) => podSpecs(document)).flatMap(podOf)
}

type Fields = Readonly<Record<string, unknown>>

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function podSpecs(value: unknown): Fields[] {
  if (Array.isArray(value)) return value.flatMap(podSpecs)
  if (!isFields(value)) return []
  const own = Array.isArray(value['containers']) || isTask(value) ? [value] : []
  return [...own, ...Object.values(value).flatMap(podSpecs)]
}

function isTask(value: Fields): boolean {
  return Array.isArray(value['steps']) && Array.isArray(value['params'])
}

function podOf(spec: Fields): WherryPod[] {
  const all = (spec['containers'] ?? spec['steps']) as readonly (WherryContainer & { readonly image: string })[]
  const pod = (spec['securityContext'] ?? {}) as SecurityContext
  const volumes = ((spec['volumes'] ?? []) as readonly { readonly name: string }[]).map(({ name }) => name)
  return all
    .filter(({ image }) => image.includes('/wherry:'))
    .map((container) => ({
      container: { ...container, securityContext: { ...pod, ...container.securityContext } },
      hostUsers: spec['hostUsers'] !== false,
      volumes,
    }))
}

const bits = { CHOWN: 0, DAC_OVERRIDE: 1, FOWNER: 3, FSETID: 4, KILL: 5, SETGID: 6, SETUID: 7, SETPCAP: 8 }
const moreBits = { NET_BIND_SERVICE: 10, SYS_CHROOT: 18, MKNOD: 27, SETFCAP: 31 }

/** What wherry would find in that pod, with the image's own user and newuidmap. */
export function factsIn({ container: { securityContext = {} }, hostUsers }: WherryPod): Facts {
  const { runAsUser = 1000, seccompProfile, capabilities, allowPrivilegeEscalation, procMount } = securityContext
  const isOpen = seccompProfile?.type === 'Unconfined'
  const bounding = boundingOf(capabilities)
  const ids = hostUsers ? ordinaryUser.uidMap : [{ inside: 0, outside: 1 << 20, count: 65536 }]
  return {
    ...ordinaryUser,
    ...defaultContainer,
    uid: runAsUser,
    gid: runAsUser,
    user: runAsUser === 0 ? 'root' : 'wherry',
    uidMap: ids,
    gidMap: ids,
    capabilities: runAsUser === 0 ? bounding : '0',
    noNewPrivs: allowPrivilegeEscalation === false,
    procMasked: procMount !== 'Unmasked',
    usernsRefusal: isOpen ? undefined : defaultContainer.usernsRefusal,
    subuids: runAsUser === 1000 ? imageRanges : [],
    subgids: runAsUser === 1000 ? imageRanges : [],
    confinement: { seccomp: isOpen ? 'none' : 'filter', bounding, runtime: 'kubernetes', chrooted: false },
    helperPrivileges: { newuidmap: 'capability', newgidmap: 'capability' },
  }
}

/** Options that give a container of docker the rights of that pod; a user namespace of the pod's own is left out. */
export function dockerOptions({ container: { securityContext = {} } }: WherryPod): string[] {
  const { runAsUser, seccompProfile, procMount, allowPrivilegeEscalation, capabilities } = securityContext
  const security = [
    ...(seccompProfile?.type === 'Unconfined' ? ['seccomp=unconfined'] : []),
    ...(procMount === 'Unmasked' ? ['systempaths=unconfined'] : []),
    ...(allowPrivilegeEscalation === false ? ['no-new-privileges'] : []),
  ]
  return [
    ...(runAsUser === undefined ? [] : ['--user', `${runAsUser}:${runAsUser}`]),
    ...security.flatMap((option) => ['--security-opt', option]),
    ...(capabilities?.drop ?? []).flatMap((name) => ['--cap-drop', name]),
    ...(capabilities?.add ?? []).flatMap((name) => ['--cap-add', name]),
  ]
}

const imageRanges = [
  { first: 1, count: 999 },
  { first: 1001, count: 64535 },
]

function boundingOf(capabilities: SecurityContext['capabilities']): string {
  const known: Readonly<Record<string, number>> = { ...bits, ...moreBits }
  const added = (capabilities?.add ?? []).reduce((set, name) => set | (1n << BigInt(known[name] ?? 63)), 0n)
  const start = capabilities?.drop?.includes('ALL') === true ? 0n : BigInt(`0x${dockerCapabilities}`)
  return (start | added).toString(16)
}

/** The wherry command lines of a text of shell commands, split into words; variables stay as they are. */
export function wherryLines(text: string): string[][] {
  const lines = text.split('\n').filter((line) => !/^\s*(#|\/\/)/.test(line))
  const found = lines.flatMap((line) => [...(/(?:^|[\s'])(wherry [a-z].*)$/.exec(line)?.slice(1) ?? [])])
  return found.map((line) => words(line.replace(/ [|<>&;].*$/, '').replace(/'$/, '')))
}

function words(line: string): string[] {
  const matches = line.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g)
  return [...matches].map(([, double, single, bare]) => double ?? single ?? bare ?? '')
}

/** Reads a command line with wherry's own table of options. @throws WherryError `usage` as wherry itself would */
export async function readCommandLine(line: readonly string[]): Promise<void> {
  const [, first = '', second = ''] = line
  const entry =
    commands.find(({ name }) => name === `${first} ${second}`) ?? commands.find(({ name }) => name === first)
  if (entry === undefined) throw new Error(`wherry has no command ${first}`)
  readArguments(line.slice(1 + entry.name.split(' ').length), await entry.load(), entry.name)
}
