// The builders that are compared: how each is called, made cold and cleaned. A builder that is not installed says why.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const program = join(import.meta.dirname, '..', '..', 'bin', 'wherry.js')

/** All builders: `{ name, missing?, build, forget, fresh, own, clean }`, see `wherry` for what each does. */
export function allBuilders(scratch) {
  return [wherry(scratch), buildah(scratch), docker()]
}

function wherry(scratch) {
  const store = join(scratch, 'wherry')
  const call = (root, ...args) => [process.execPath, program, ...args.slice(0, 1), '--root', root, ...args.slice(1)]
  const build = (root, context, tag, { cold, push }) => [
    call(
      root,
      'build',
      '--progress=plain',
      '-t',
      tag,
      ...(cold ? ['--no-cache'] : []),
      ...(push ? ['--push'] : []),
      context,
    ),
  ]
  return {
    name: 'wherry',
    /** Command lines, run one after the other, that build (and push). */
    build: (context, tag, options = {}) => build(store, context, tag, options),
    /** Drops what a cold build must not find: step cache, stat cache, and the image itself; the base stays, unpacked. */
    async forget(tag) {
      for (const name of ['steps-v1', 'context-v1']) rmSync(join(store, name), { recursive: true, force: true })
      await quietly(call(store, 'rmi', '--force', tag))
      await quietly(call(store, 'prune', '--force'))
    },
    /** Command lines that fetch and unpack an image into an empty store; the store is emptied untimed. */
    async fresh(image, run) {
      const root = join(scratch, `wherry-fresh-${run}`)
      const context = join(scratch, 'empty')
      mkdirSync(context, { recursive: true })
      writeFileSync(join(context, 'Dockerfile'), `FROM ${image}\nRUN true\n`)
      return build(root, context, 'bench/fresh', {})
    },
    /** True for a process of the builder itself, by its command line. */
    own: (commandLine) =>
      commandLine[0]?.endsWith('node') && commandLine.some((arg) => /wherry\.js$|\/dist\//.test(arg)),
    async clean() {
      for (const root of [store, ...freshRoots(scratch)]) {
        const ids = (await output(call(root, 'images', '-q'))).split('\n').filter(Boolean)
        await quietly(call(root, 'rmi', '--force', ...ids))
        await quietly(call(root, 'prune', '--all', '--force'))
      }
    },
  }
}

function freshRoots(scratch) {
  return Array.from({ length: 20 }, (_, i) => join(scratch, `wherry-fresh-${i}`)).filter(existsSync)
}

function buildah(scratch) {
  const at = (root) => [
    'buildah',
    '--root',
    join(scratch, root),
    '--runroot',
    join(scratch, `${root}-run`),
    '--storage-driver',
    'overlay',
  ]
  const store = at('buildah')
  const build = (base, context, tag, { cold, push }) => [
    [
      ...[...base, 'build', '--layers', '--isolation', 'chroot', '--network', 'host', '--tls-verify=false', '--quiet'],
      ...['--pull=missing', '--jobs', '4', '-t', tag, ...(cold ? ['--no-cache'] : []), context],
    ],
    ...(push ? [[...base, 'push', '--quiet', '--tls-verify=false', tag]] : []),
  ]
  return {
    name: 'buildah',
    missing: installed('buildah'),
    build: (context, tag, options = {}) => build(store, context, tag, options),
    forget: (tag) => quietly([...store, 'rmi', '--force', tag]),
    fresh: async (image, run) => [[...at(`buildah-fresh-${run}`), 'pull', '--quiet', '--tls-verify=false', image]],
    own: (commandLine) => /(^|\/)buildah$|^(buildah|storage)-/.test(commandLine[0] ?? ''),
    // Layers have other owners; root needs no namespace to delete them.
    clean: () => quietly([...unshare(), 'sh', '-c', 'rm -rf "$1"/buildah*', 'sh', scratch]),
  }
}

function unshare() {
  return process.getuid() === 0 ? [] : ['buildah', 'unshare']
}

function docker() {
  const command = ['docker', 'build', '--quiet', '--network', 'host']
  return {
    name: 'docker',
    missing:
      installed('docker') ??
      (spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0 ? undefined : 'no daemon'),
    build: (context, tag, { cold, push } = {}) => [
      [...command, '-t', tag, ...(cold ? ['--no-cache'] : []), context],
      ...(push ? [['docker', 'push', '--quiet', tag]] : []),
    ],
    forget: (tag) => quietly(['docker', 'rmi', '--force', tag]),
    async fresh(image) {
      await quietly(['docker', 'rmi', '--force', image])
      return [['docker', 'pull', '--quiet', image]]
    },
    // Its daemon does the work and is not among the children.
    own: () => false,
    clean: async () => undefined,
  }
}

function installed(name) {
  return spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0 ? undefined : 'not installed'
}

async function quietly(argv) {
  await output(argv)
}

async function output(argv) {
  const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'ignore'] })
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  await once(child, 'close')
  return text
}
