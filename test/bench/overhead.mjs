// What wherry itself costs: milliseconds of a RUN that does nothing, in each mode, and of a snapshot that is a copy.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { median } from './measure.mjs'

const program = join(import.meta.dirname, '..', '..', 'bin', 'wherry.js')
const cache = join(import.meta.dirname, '..', '..', 'node_modules', '.cache')
const runs = 20

/** Rows `{ workload, kind, target, value }` for an image that has a shell; `value` is undefined with a `reason` where a mode is refused. */
export async function overheadRows(image, scratch) {
  const store = join(scratch, 'overhead')
  const context = join(scratch, 'overhead-context')
  mkdirSync(context, { recursive: true })
  const steps = Array.from({ length: runs }, (_, i) => `RUN true ${i}\n`).join('')
  writeFileSync(join(context, 'Dockerfile'), `FROM ${image}\n${steps}`)
  const rows = []
  for (const [mode, target] of [
    ['mapped', 40],
    ['single', 60],
    ['chroot', undefined],
  ]) {
    rows.push({ workload: 'RUN true', kind: mode, target, ...(await runMedian(mode, store, context)) })
  }
  rows.push({ workload: 'snapshot', kind: 'copy', target: 400, value: await copyMedian(store, scratch) })
  await wherry('prune', '--root', store, '--all', '--force')
  return rows
}

/** The median of the RUNs of a build; the first one also starts the inner process and unpacks. */
async function runMedian(mode, store, context) {
  const events = await wherry('build', '--root', store, '--no-cache', '--progress=json', '--isolation', mode, context)
  const times = events.filter(({ type }) => type === 'step-finished').map(({ durationMs }) => durationMs)
  const failed = events.find(({ type }) => type === 'failed' || type === 'build-failed')
  return times.length < runs ? { reason: failed?.error?.message ?? 'refused' } : { value: median(times) }
}

/** The largest layer of the store as a copied snapshot, over and over. Owners are left out where there is no right to set them. */
async function copyMedian(store, scratch) {
  const blobs = join(store, 'oci-v1', 'blobs', 'sha256')
  const [largest] = readdirSync(blobs)
    .map((name) => join(blobs, name))
    .sort((a, b) => statSync(b).size - statSync(a).size)
  const folder = join(scratch, 'copies')
  mkdirSync(folder)
  const outfile = join(cache, `copy-trial-${process.pid}.mjs`)
  const entryPoints = [join(import.meta.dirname, 'copy-trial.ts')]
  await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', external: ['koffi'] })
  try {
    const [{ drafts, changes }] = await lines(process.execPath, outfile, largest, folder, '5')
    return median(drafts.map((time, i) => time + changes[i]))
  } finally {
    rmSync(outfile)
    rmSync(folder, { recursive: true, force: true })
  }
}

function wherry(...args) {
  return lines(process.execPath, program, ...args)
}

/** Runs a program; the lines of its output that are JSON. */
async function lines(command, ...args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const found = []
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      if (line.startsWith('{')) found.push(JSON.parse(line))
    })
  await once(child, 'close')
  return found
}
