// Runs the conformance suite's build cases with this wherry, holds the share that passes to a threshold, and every case that fails
// to the list in known.json, which gives the reasons.
//   node test/conformance/run.mjs [--suite DIR] [--registry HOST:PORT] [--threshold 0.97] [--only REGEX] [--json FILE]
// Defaults: WHERRY_CONFORMANCE, WHERRY_TEST_REGISTRY; the program is WHERRY, else the one of this folder.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    suite: { type: 'string', default: process.env.WHERRY_CONFORMANCE },
    registry: { type: 'string', default: process.env.WHERRY_TEST_REGISTRY ?? 'localhost:5000' },
    threshold: { type: 'string', default: '0.97' },
    group: { type: 'string', default: 'conformance,kaniko,dockerfile,lint' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
})

if (options.suite === undefined || !existsSync(join(options.suite, 'run.mjs'))) {
  console.error('conformance: no suite; give its folder with --suite or in WHERRY_CONFORMANCE')
  process.exit(2)
}

const scratch = await mkdtemp(join(tmpdir(), 'wherry-conformance-'))
try {
  const report = options.json ?? join(scratch, 'report.json')
  await runSuite(report)
  await judge(JSON.parse(await readFile(report, 'utf8')).results)
} finally {
  await rm(scratch, { recursive: true, force: true })
}

async function runSuite(report) {
  const program = process.env.WHERRY ?? (await wrapper())
  const argv = [join(options.suite, 'run.mjs'), '--set', join(options.suite, 'dev'), '--builder', 'wherry']
  argv.push('--registry', options.registry, '--group', options.group, '--json', report)
  argv.push('--jobs', String(availableParallelism()))
  if (options.only !== undefined) argv.push('--only', options.only)
  const child = spawn(process.execPath, argv, { stdio: 'inherit', env: { ...process.env, WHERRY: program } })
  await once(child, 'close')
  if (!existsSync(report)) throw new Error('the runner of the suite wrote no report')
}

/** The runner wants one program. */
async function wrapper() {
  const path = join(scratch, 'wherry')
  const program = join(import.meta.dirname, '..', '..', 'bin', 'wherry.js')
  await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`)
  await chmod(path, 0o755)
  return path
}

async function judge(results) {
  const groups = new Map()
  for (const { group, status } of results) {
    const counts = groups.get(group) ?? { pass: 0, fail: 0, skip: 0 }
    counts[status === 'pass' ? 'pass' : status === 'skip' ? 'skip' : 'fail']++
    groups.set(group, counts)
  }
  let passed = 0
  let ran = 0
  for (const [group, counts] of groups) {
    console.log(`${group.padEnd(12)} ${counts.pass} of ${counts.pass + counts.fail} pass, ${counts.skip} skipped`)
    passed += counts.pass
    ran += counts.pass + counts.fail
  }
  const share = ran === 0 ? 0 : passed / ran
  const threshold = Number(options.threshold)
  console.log(`all          ${passed} of ${ran} pass: ${(share * 100).toFixed(1)} %, wanted ${threshold * 100} %`)
  const surprises = await unexpected(results)
  for (const line of surprises) console.log(line)
  process.exitCode = share >= threshold && surprises.length === 0 ? 0 : 1
}

/** Failures without a reason in known.json, and reasons that no longer hold. */
async function unexpected(results) {
  const known = JSON.parse(await readFile(join(import.meta.dirname, 'known.json'), 'utf8'))
  const isRoot = process.getuid() === 0
  return results.flatMap(({ id, status, reason }) => {
    const listed = Object.hasOwn(known, id) && !(isRoot && known[id].passesAsRoot)
    if (status === 'fail' && !listed) return [`${id} fails, and known.json does not say why: ${reason}`]
    if (status === 'pass' && listed) return [`${id} passes, but known.json says: ${known[id].reason}`]
    return []
  })
}
