// The main job, once, for real: base image from this machine, build, push, pull, run. Needs Node and nothing else.
// It uses the program alone, as a user would: every line that starts with $ can be typed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

const top = join(import.meta.dirname, '..', '..')
const program = join(top, 'bin', 'wherry.js')
const scratch = await mkdtemp(join(tmpdir(), 'wherry-demo-'))
const [store, empty, served] = ['store', 'other-store', 'registry'].map((name) => join(scratch, name))
const port = await freePort()
const image = `127.0.0.1:${port}/demo/hello`
const timings = []
let registry

const onSignal = () => process.exit(130)
process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
process.once('exit', () => registry?.kill())

try {
  await step('base image', store, 'base', 'host', '-t', 'wherry/base')
  await step('build', store, 'build', '--progress=plain', '-t', image, join(top, 'fixtures', 'hello'))
  await step('build again', store, 'build', '--progress=plain', '-t', image, join(top, 'fixtures', 'hello'))
  registry = await serve()
  await step('push', store, 'push', image)
  await step('pull', empty, 'pull', image)
  const greeting = await step('run', empty, 'run', '--rm', image)
  if (!greeting.includes('Hello, ferryman')) throw new Error(`the entrypoint said: ${greeting}`)
  await report()
} catch (error) {
  console.error(`\ndemo: ${error.message}`)
  process.exitCode = 1
} finally {
  await clean()
}

/** Runs one command with its output shown; gives its standard output. */
async function step(label, root, ...args) {
  console.log(`\n$ wherry ${args.map((arg) => relativeName(arg)).join(' ')}`)
  const started = performance.now()
  const output = await wherry(root, args, 'inherit')
  timings.push([label, performance.now() - started])
  return output
}

async function wherry(root, args, errors) {
  const words = ['base', 'registry'].includes(args[0]) ? 2 : 1
  const argv = [program, ...args.slice(0, words), '--root', root, ...args.slice(words)]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', errors] })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
    if (errors === 'inherit') process.stdout.write(chunk)
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`wherry ${args[0]} ended with ${code}`)
  return output
}

/** Starts the embedded registry and waits until it answers. */
async function serve() {
  const argv = [program, 'registry', 'serve', '--root', served, '--listen', `127.0.0.1:${port}`]
  console.log(`\n$ wherry registry serve --listen 127.0.0.1:${port} &`)
  const child = spawn(process.execPath, argv, { stdio: 'ignore' })
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) break
    const answer = await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined)
    if (answer?.ok) return child
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the registry does not answer')
}

/** What the registry now holds, as it answers itself, and how long each part took. */
async function report() {
  const accept = 'application/vnd.oci.image.manifest.v1+json'
  const answer = await fetch(`http://127.0.0.1:${port}/v2/demo/hello/manifests/latest`, { headers: { accept } })
  const manifest = await answer.json()
  console.log(`\nimage   ${image}`)
  console.log(`digest  ${answer.headers.get('docker-content-digest')}`)
  console.log(`id      ${manifest.config.digest}`)
  for (const layer of manifest.layers) console.log(`layer   ${layer.digest}  ${layer.size} bytes`)
  console.log('')
  for (const [label, ms] of timings) console.log(`${label.padEnd(12)} ${(ms / 1000).toFixed(2).padStart(6)} s`)
}

/** Ends the registry and deletes the stores; unpacked files of other owners only wherry itself can delete. */
async function clean() {
  if (registry) {
    const ended = once(registry, 'close')
    registry.kill('SIGTERM')
    await ended
    registry = undefined
  }
  for (const root of [store, empty]) await forgetAll(root).catch(() => undefined)
  await rm(scratch, { recursive: true, force: true })
}

async function forgetAll(root) {
  const ids = (await wherry(root, ['images', '-q'], 'ignore')).split('\n').filter(Boolean)
  if (ids.length > 0) await wherry(root, ['rmi', '--force', ...ids], 'ignore')
  await wherry(root, ['prune', '--all', '--force'], 'ignore')
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

function relativeName(arg) {
  return arg.startsWith(top) ? relative(process.cwd(), arg) || '.' : arg
}
