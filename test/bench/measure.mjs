// Runs command lines and measures them: seconds, or the peak of the proportional memory of a builder's own processes.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'

/** Milliseconds between two samples of memory. */
const interval = 50

/** Runs command lines one after the other; gives the seconds that they took. */
export async function seconds(commands) {
  const started = performance.now()
  for (const argv of commands) await run(argv)
  return (performance.now() - started) / 1000
}

/** Runs command lines and gives the largest sum of PSS, in MB, of the processes that `own` accepts. */
export async function peakMemory(commands, own) {
  let peak = 0
  for (const argv of commands) {
    await run(argv, (pid) => {
      peak = Math.max(peak, memoryOf(pid, own))
    })
  }
  return peak / 1024
}

async function run(argv, sample) {
  const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output = (output + chunk).slice(-4000)
    })
  }
  const timer = sample && setInterval(() => sample(child.pid), interval)
  const [code] = await once(child, 'close')
  clearInterval(timer)
  if (code !== 0) throw new Error(`${argv.slice(0, 3).join(' ')} … ended with ${code}\n${output}`)
}

/** Kilobytes of a process and its descendants, of those that are the builder's own. */
function memoryOf(pid, own) {
  let sum = own(commandLineOf(pid)) ? pssOf(pid) : 0
  for (const child of childrenOf(pid)) sum += memoryOf(child, own)
  return sum
}

function pssOf(pid) {
  return Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0)
}

function commandLineOf(pid) {
  return read(`/proc/${pid}/cmdline`).split('\0')
}

function childrenOf(pid) {
  const threads = list(`/proc/${pid}/task`)
  return threads.flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  )
}

/** A process may end while it is being looked at: then it holds nothing. */
function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function list(path) {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** The middle value. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
