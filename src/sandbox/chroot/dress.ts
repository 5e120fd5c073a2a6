/** What a step of chroot mode sees beside its root file system, put on the stage. */
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { errnoOf } from '../../core/errors.ts'
import { ifThere } from '../../core/if-there.ts'
import { makeNode } from '../../host/files.ts'
import type { ProcessSpec, SandboxMount } from '../contract.ts'
import { hostsFile, resolverFile } from '../host-files.ts'
import { hostsPath, resolverPath } from '../mount-points.ts'
import type { Targets } from '../targets.ts'
import type { Stage } from './stage.ts'

/** Where things are put. */
export interface Dressing {
  readonly stage: Stage
  readonly targets: Targets
}

/** What came of it. */
export interface Dressed {
  /** Pipes that the step can open as /dev/stdout and /dev/stderr; paths on disk. */
  readonly outputs: readonly { readonly stream: 'stdout' | 'stderr'; readonly path: string }[]
  /** Paths on disk of files with secrets. */
  readonly secrets: readonly string[]
}

/**
 * Puts everything there.
 * @throws WherryError `sandbox-failed` for a target that cannot be one; SystemError
 */
export function dress(dressing: Dressing, spec: ProcessSpec): Dressed {
  const { stage, targets } = dressing
  const points = { dev: targets.folder('dev'), proc: targets.folder('proc'), sys: targets.folder('sys') }
  const outputs = makeDevices(madeFolder(stage, 'dev'), spec)
  stage.show(join(stage.aside, 'dev'), points.dev)
  stage.show(makeProc(madeFolder(stage, 'proc')), points.proc)
  stage.show(madeFolder(stage, 'sys'), points.sys)
  showFile(dressing, resolverPath, resolverFile())
  showFile(dressing, hostsPath, hostsFile(spec.hostname, spec.extraHosts))
  const secrets = (spec.mounts ?? []).flatMap((mount, i) => showMount(dressing, mount, `mount-${i}`) ?? [])
  // The working directory may now be one that something else stands for.
  targets.deepFolder(spec.cwd)
  return { outputs: outputs.map(({ stream, name }) => ({ stream, path: join(points.dev, name) })), secrets }
}

function madeFolder({ aside }: Stage, name: string, mode = 0o755): string {
  const path = join(aside, name)
  mkdirSync(path)
  chmodSync(path, mode)
  return path
}

function showFile({ stage, targets }: Dressing, target: string, content: string): void {
  const path = targets.file(target)
  const made = join(stage.aside, target.replace('/', '-'))
  writeFileSync(made, content)
  chmodSync(made, 0o644)
  stage.show(made, path)
}

/** Name, mode and device number: Documentation/admin-guide/devices.txt of the kernel. */
const devices = [
  ['null', 1, 3],
  ['zero', 1, 5],
  ['full', 1, 7],
  ['random', 1, 8],
  ['urandom', 1, 9],
  ['tty', 5, 0],
] as const

const links: readonly (readonly [name: string, target: string])[] = [
  ['fd', '/proc/self/fd'],
  ['core', '/proc/kcore'],
]

function makeDevices(dev: string, spec: ProcessSpec): { stream: 'stdout' | 'stderr'; name: string }[] {
  for (const [name, major, minor] of devices) makeDevice(join(dev, name), major, minor)
  for (const [name, target] of links) symlinkSync(target, join(dev, name))
  for (const [name, mode] of [
    ['pts', 0o755],
    ['shm', 0o1777],
    ['mqueue', 0o1777],
  ] as const) {
    mkdirSync(join(dev, name))
    chmodSync(join(dev, name), mode)
  }
  if (spec.script !== undefined) {
    const path = join(dev, 'pipes', spec.script.name)
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
    writeFileSync(path, spec.script.content)
    chmodSync(path, 0o755)
  }
  return makeStandardStreams(dev, spec)
}

/** There is no /proc for a link to the open streams: input is empty, output is a pipe of its own. */
function makeStandardStreams(dev: string, { stdio }: ProcessSpec): { stream: 'stdout' | 'stderr'; name: string }[] {
  if (stdio.kind !== 'inherit') symlinkSync('null', join(dev, 'stdin'))
  if (stdio.kind !== 'pipes') return []
  return (['stdout', 'stderr'] as const).map((stream) => {
    makeNode(Buffer.from(join(dev, stream)), { type: 'fifo', mode: 0 })
    chmodSync(join(dev, stream), 0o666)
    return { stream, name: stream }
  })
}

/**
 * Where devices may not be made or opened (no CAP_MKNOD, a volume mounted with nodev) there is none, but for /dev/null: a step
 * writes to that whatever it does.
 */
function makeDevice(path: string, major: number, minor: number): void {
  const isNull = path.endsWith('/null')
  try {
    makeNode(Buffer.from(path), { type: 'char', mode: 0, major, minor })
    chmodSync(path, 0o666)
    if (isNull) closeSync(openSync(path, 'r+'))
  } catch (error) {
    if (!['EPERM', 'EACCES', 'ENXIO'].includes(errnoOf(error) ?? '')) throw error
    if (!isNull) return
    rmSync(path, { force: true })
    writeFileSync(path, '')
    chmodSync(path, 0o666)
  }
}

/** What programs read of the machine, as it is at the start of the step. */
const machineFiles = ['cpuinfo', 'filesystems', 'loadavg', 'meminfo', 'stat', 'uptime', 'version']

function makeProc(proc: string): string {
  for (const name of machineFiles) {
    const content = ifThere(() => readFileSync(join('/proc', name)))
    if (content === undefined) continue
    writeFileSync(join(proc, name), content)
    chmodSync(join(proc, name), 0o444)
  }
  return proc
}

/** The path of a secret, if it is one. */
function showMount({ stage, targets }: Dressing, mount: SandboxMount, name: string): string | undefined {
  if (mount.kind === 'tmpfs') {
    const { path, existed } = targets.place(mount.target, 'folder')
    const { mode, uid, gid } = statSync(path)
    const made = madeFolder(stage, name, existed ? mode & 0o7777 : 0o1777)
    if (existed) chownSync(made, uid, gid)
    stage.show(made, path)
    return undefined
  }
  const source = statSync(mount.source)
  const { path } = targets.place(mount.target, source.isDirectory() ? 'folder' : 'file')
  stage.lend(mount.source, path)
  return mount.data !== undefined && source.isFile() ? path : undefined
}
