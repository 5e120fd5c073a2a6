/** Builds small Dockerfiles through the program, over a busybox of this machine, and reads what came out with tar. */
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { busybox, noStaticBusybox } from './busybox.ts'
import { type Home, type Ran, newHome } from './wherry.ts'

export { busybox, noStaticBusybox }

/** One entry of a tar, as GNU tar lists it. */
export interface Listed {
  readonly path: string
  /** `-` file, `d` folder, `l` symbolic link, `h` hard link, … */
  readonly type: string
  /** Octal, with special bits: `0755`, `4755`. */
  readonly mode: string
  /** `uid:gid`. */
  readonly owner: string
  readonly size: string
  /** Target of a link. */
  readonly link?: string
  /** Modification time in UTC, `2026-01-02 03:04:05`. */
  readonly mtime: string
}

/** The `config` part of an image config, and what stands around it. */
export interface BuiltConfig {
  readonly config: Readonly<Record<string, unknown>> & { readonly Env?: readonly string[] }
  readonly history: readonly {
    readonly created?: string
    readonly created_by?: string
    readonly empty_layer?: boolean
  }[]
  readonly rootfs: { readonly diff_ids: readonly string[] }
  readonly created?: string
}

/** What a build gave. */
export interface Built {
  readonly config: BuiltConfig
  /** Tar files of the layers, oldest first. */
  readonly layers: readonly string[]
  /** All entries of a layer by path; negative numbers count from the last. */
  layer(index: number): Map<string, Listed>
  /** Paths of a layer in their order. */
  paths(index: number): string[]
  /** All entries of the whole file system by path. */
  root(): Map<string, Listed>
  /** A file's text, out of the whole file system. */
  text(path: string): string
  /** What the build printed. */
  readonly output: string
}

/** What a context holds: text, bytes, or a link. */
export type ContextFiles = Readonly<Record<string, string | Buffer | { readonly linkTo: string }>>

/** Builds in one store. */
export interface Builder {
  readonly home: Home
  /** Makes a context and builds it, whatever comes out. */
  attempt(dockerfile: string | readonly string[], files?: ContextFiles, args?: readonly string[]): Promise<Ran>
  /** Makes a context, builds it and reads the result. */
  build(dockerfile: string | readonly string[], files?: ContextFiles, args?: readonly string[]): Promise<Built>
  /** Builds what must be refused; gives what the user is told. */
  refusal(dockerfile: string | readonly string[], files?: ContextFiles, args?: readonly string[]): Promise<string>
}

/** A builder whose store holds the image `box`: busybox, with the users root, app (1000:1001) and a group staff (50). */
export async function newBuilder(): Promise<Builder> {
  const home = await newHome()
  const attempt: Builder['attempt'] = async (dockerfile, files = {}, args = []) => {
    const context = await contextOf(home, dockerfile, files)
    return home.run(['build', '--progress=plain', ...args, context])
  }
  const build: Builder['build'] = async (dockerfile, files = {}, args = []) => {
    const to = await mkdtemp(join(home.dir, 'result-'))
    const outputs = [`type=oci,dest=${to}/oci,tar=false`, `type=tar,dest=${to}/root.tar`]
    const ran = await attempt(dockerfile, files, [...outputs.map((o) => `--output=${o}`), ...args])
    expect(ran.code, ran.stderr).toBe(0)
    return await readResult(to, ran.stdout + ran.stderr)
  }
  const refusal: Builder['refusal'] = async (dockerfile, files, args) => {
    const ran = await attempt(dockerfile, files, args)
    expect(ran.code, ran.stdout + ran.stderr).toBe(1)
    return ran.stderr
  }
  await buildBase(home)
  return { home, attempt, build, refusal }
}

async function buildBase(home: Home): Promise<void> {
  const context = await contextOf(
    home,
    [
      'FROM scratch',
      'COPY busybox /bin/busybox',
      'COPY passwd group /etc/',
      'RUN ["/bin/busybox", "--install", "-s", "/bin"]',
      'RUN mkdir -m 1777 /tmp',
    ],
    {
      passwd: 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:app:/home/app:/bin/sh\n',
      group: 'root:x:0:\nstaff:x:50:app\nlogs:x:60:app\napps:x:1001:\n',
    },
  )
  await copyFile(busybox, join(context, 'busybox'))
  await home.ok('build', '-q', '-t', 'box', context)
}

async function contextOf(home: Home, dockerfile: string | readonly string[], files: ContextFiles): Promise<string> {
  const context = await mkdtemp(join(home.dir, 'context-'))
  const text = typeof dockerfile === 'string' ? dockerfile : `${dockerfile.join('\n')}\n`
  const all: ContextFiles = { Dockerfile: text, ...files }
  for (const [path, content] of Object.entries(all)) {
    const file = join(context, path)
    await mkdir(path.endsWith('/') ? file : dirname(file), { recursive: true })
    if (path.endsWith('/')) continue
    if (typeof content === 'string' || Buffer.isBuffer(content)) await writeFile(file, content)
    else await symlink(content.linkTo, file)
  }
  return context
}

async function readResult(to: string, output: string): Promise<Built> {
  const oci = join(to, 'oci')
  const json = async (digest?: string): Promise<unknown> =>
    JSON.parse(await readFile(digest === undefined ? join(oci, 'index.json') : blobPath(oci, digest), 'utf8'))
  const index = (await json()) as { manifests: { digest: string }[] }
  const manifest = (await json(index.manifests[0]!.digest)) as Manifest
  const config = (await json(manifest.config.digest)) as BuiltConfig
  const layers = manifest.layers.map(({ digest }) => blobPath(oci, digest))
  const whole = join(to, 'root.tar')
  return {
    config,
    layers,
    output,
    layer: (index) => listTar(layers.at(index)!),
    paths: (index) => [...listTar(layers.at(index)!).keys()],
    root: () => listTar(whole),
    text: (path) => {
      // Of a hard link tar gives no content: the name that it leads to has it.
      const { type, link } = listTar(whole).get(path) ?? {}
      const name = type === 'h' ? link! : path
      return execFileSync('tar', ['-xOf', whole, name], { encoding: 'utf8' })
    },
  }
}

interface Manifest {
  readonly config: { readonly digest: string }
  readonly layers: readonly { readonly digest: string }[]
}

function blobPath(oci: string, digest: string): string {
  return join(oci, 'blobs', ...digest.split(':'))
}

/** `drwxr-xr-x 0/0 0 2026-01-02 03:04:05 path -> target`; a device has `1,3` for its size. */
const line = /^(.)(.{9}) +(\d+)\/(\d+) +(\S+) (\S+ \S+) +(.*)$/

/** Lists a tar, compressed or not, by path without a slash at its end. */
function listTar(file: string): Map<string, Listed> {
  const flags = ['--numeric-owner', '--full-time', '--utc', '--quoting-style=literal', '--warning=no-unknown-keyword']
  const text = execFileSync('tar', [...flags, '-tvf', file], { encoding: 'utf8', maxBuffer: 64 << 20 })
  return new Map(text.split('\n').filter(Boolean).map(listed))
}

function listed(text: string): [string, Listed] {
  const [, type = '', bits = '', uid, gid, size = '', time = '', rest = ''] = line.exec(text) ?? []
  const [name = '', link] = rest.split(type === 'l' ? ' -> ' : ' link to ')
  const path = name.replace(/\/$/, '')
  const mtime = time.replace(/\.0+$/, '')
  return [path, { path, type, mode: octal(bits), owner: `${uid}:${gid}`, size, link, mtime }]
}

/** `rwsr-xr-t` in octal. */
function octal(bits: string): string {
  const letters = Array.from({ length: 9 }, (_, i) => bits.charAt(i))
  const special = [2, 5, 8].map((i, n) => (/[sStT]/.test(bits.charAt(i)) ? 4 >> n : 0))
  const plain = letters.reduce((mode, letter, i) => mode + (/[rwxst]/.test(letter) ? 0o400 >> i : 0), 0)
  return `${special.reduce((a, b) => a + b, 0)}${plain.toString(8).padStart(3, '0')}`
}

/** Extended attributes of a layer's entry, out of its PAX header, as latin1. */
export function xattrsOf(layer: string, path: string): Record<string, string> {
  const tar = spawnSync('gzip', ['-dc', layer], { maxBuffer: 256 << 20 }).stdout
  let pax = ''
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const name = tar.toString('latin1', at, at + 100).split('\0', 1)[0]!
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8)
    const flag = String.fromCharCode(tar[at + 156]!)
    if (flag === 'x') pax = tar.toString('latin1', at + 512, at + 512 + size)
    else if (name.replace(/\/$/, '') === path) return xattrRecords(pax)
    else pax = ''
    at += 512 + Math.ceil(size / 512) * 512
  }
  throw new Error(`${path} is not in ${layer}`)
}

function xattrRecords(pax: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (let at = 0; at < pax.length; ) {
    const length = Number.parseInt(pax.slice(at), 10)
    const [, key, value] = /^\d+ SCHILY\.xattr\.([^=]+)=([^]*)\n$/.exec(pax.slice(at, at + length)) ?? []
    if (key !== undefined) found[key] = value ?? ''
    at += length
  }
  return found
}
