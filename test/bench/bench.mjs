// Compares wherry with the builders that are installed, in turn in one run: medians, ratios, peak memory.
//   npm run bench -- [workload…] [--runs 5] [--rows cold,no-op,edited,push,pull,overhead] [--only wherry,buildah] [--json FILE]
// Needs WHERRY_BENCH (the folder with make-workloads.mjs) and a plain registry with the base images: WHERRY_TEST_REGISTRY,
// default localhost:5000. Runs as root or as an ordinary user; measures the bundles in dist.
import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { allBuilders } from './builders.mjs'
import { median, peakMemory, seconds } from './measure.mjs'
import { overheadRows } from './overhead.mjs'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '5' },
    rows: { type: 'string', default: 'cold,no-op,edited,push,pull,overhead' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
})
const runs = Number(options.runs)
const rows = options.rows.split(',')
const registry = process.env.WHERRY_TEST_REGISTRY ?? 'localhost:5000'
const workloads = positionals.length > 0 ? positionals : ['copy', 'noop', 'runs', 'big', 'stages', 'edit']

const maker = process.env.WHERRY_BENCH && join(process.env.WHERRY_BENCH, 'make-workloads.mjs')
if (!maker || !existsSync(maker)) {
  console.log('bench: skipped, WHERRY_BENCH names no folder with make-workloads.mjs')
  process.exit(0)
}
const reachable = await fetch(`http://${registry}/v2/conformance/debian/tags/list`).then(
  (answer) => answer.ok,
  () => false,
)
if (!reachable) {
  console.log(`bench: skipped, ${registry} is no registry with the base images (set WHERRY_TEST_REGISTRY)`)
  process.exit(0)
}

const scratch = mkdtempSync(join(tmpdir(), 'wherry-bench-'))
process.env.XDG_RUNTIME_DIR = join(scratch, 'run')
mkdirSync(process.env.XDG_RUNTIME_DIR, { mode: 0o700 })
const builders = chosenBuilders()
const results = []
process.once('SIGINT', () => process.exit(130))
try {
  execFileSync(process.execPath, [maker, scratch, registry], { stdio: 'ignore' })
  printHead()
  for (const workload of workloads) await measureWorkload(workload)
  if (rows.includes('pull')) await measurePull()
  if (rows.includes('overhead')) await measureOverhead()
  if (options.json) writeFileSync(options.json, JSON.stringify({ runs, results }, null, 1))
} finally {
  for (const builder of builders) await builder.clean()
  rmSync(scratch, { recursive: true, force: true })
}

function chosenBuilders() {
  const wanted = options.only?.split(',')
  return allBuilders(scratch).filter((builder) => {
    if (wanted && !wanted.includes(builder.name)) return false
    if (builder.missing) console.log(`bench: without ${builder.name}, ${builder.missing}`)
    return !builder.missing
  })
}

async function measureWorkload(workload) {
  const context = join(scratch, workload)
  const tag = `bench/${workload}`
  // Once untimed: the base comes into every store and is unpacked there, and the page cache is warm.
  for (const builder of builders) await seconds(builder.build(context, tag))
  if (rows.includes('cold')) {
    await row(workload, 'cold', async (builder) => {
      await builder.forget(tag)
      return seconds(builder.build(context, tag, { cold: true }))
    })
    await memoryRow(workload, tag, context)
  }
  if (rows.includes('no-op')) {
    for (const builder of builders) await seconds(builder.build(context, tag))
    await row(workload, 'no-op', (builder) => seconds(builder.build(context, tag)))
  }
  if (rows.includes('edited') && workload === 'edit') await measureEdit(context, tag)
  if (rows.includes('push') && ['copy', 'big'].includes(workload)) {
    await row(workload, 'push', async (builder, run) => {
      await builder.forget(tag)
      const name = `${registry}/bench/${workload}-${builder.name}-${process.pid}-${run}`
      return seconds(builder.build(context, name, { cold: true, push: true }))
    })
  }
}

/** One source file changes before each round of builds; every builder sees each change once. */
async function measureEdit(context, tag) {
  const file = join(context, 'src', 'pkg-0', 'lib0', 'file-0.js')
  await row(
    'edit',
    'edited',
    (builder) => seconds(builder.build(context, tag)),
    (run) => {
      appendFileSync(file, `// edit ${run}\n`)
    },
  )
}

async function measurePull() {
  await row('debian', 'pull', async (builder, run) => {
    const commands = await builder.fresh(`${registry}/conformance/debian`, run)
    return seconds(commands)
  })
}

/** Of wherry alone: what other builders call a step has no counterpart that could be timed from outside. */
async function measureOverhead() {
  for (const { workload, kind, target, value, reason } of await overheadRows(
    `${registry}/conformance/debian`,
    scratch,
  )) {
    const text =
      value === undefined
        ? `refused: ${reason}`
        : `${value.toFixed(0)} ms${target === undefined ? '' : ` (at most ${target})`}`
    console.log(`${workload.padEnd(10)}${kind.padEnd(14)}${text.padStart(12)}`)
    if (value !== undefined) results.push({ workload, kind, unit: 'ms', values: { wherry: value } })
  }
}

/** Measures in turn, A B A B …, and prints the medians. */
async function row(workload, kind, measure, before = () => undefined) {
  const times = new Map(builders.map((builder) => [builder, []]))
  for (let run = 0; run < runs; run++) {
    before(run)
    for (const builder of builders) times.get(builder).push(await measure(builder, run))
  }
  printRow(
    workload,
    kind,
    builders.map((builder) => median(times.get(builder))),
    's',
  )
}

async function memoryRow(workload, tag, context) {
  const peaks = []
  for (const builder of builders) {
    await builder.forget(tag)
    peaks.push(await peakMemory(builder.build(context, tag, { cold: true }), builder.own))
  }
  printRow(workload, 'peak memory', peaks, 'MB')
}

function printHead() {
  const names = builders.map((builder) => builder.name.padStart(12)).join('')
  console.log(`medians of ${runs}, ratio to wherry in brackets\n${''.padEnd(24)}${names}`)
}

function printRow(workload, kind, values, unit) {
  const cells = values.map((value, i) => {
    const text = unit === 's' ? value.toFixed(2) : value.toFixed(0)
    const ratio = i === 0 || values[0] === 0 ? '' : ` (${(value / values[0]).toFixed(1)})`
    return `${text} ${unit}${ratio}`.padStart(i === 0 ? 12 : 18)
  })
  console.log(`${workload.padEnd(10)}${kind.padEnd(14)}${cells.join('')}`)
  results.push({ workload, kind, unit, values: Object.fromEntries(builders.map((b, i) => [b.name, values[i]])) })
}
