// `npm run check [-- NAME…]`: format, lint, types and unit tests, or those named, side by side, each with its output in one piece.
// Fails if any fails.
import { spawn } from 'node:child_process'

const commands = {
  format: ['biome', 'format', '.'],
  lint: ['eslint', '--cache', '--cache-location', 'node_modules/.cache/eslint/', '.'],
  types: ['tsc', '--noEmit'],
  page: ['tsc', '--noEmit', '--project', 'src/report/page'],
  unit: ['vitest', 'run', '--project', 'unit', '--reporter=default'],
}

const started = performance.now()
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(commands)
const codes = await Promise.all(names.map((name) => run(name, commands[name])))
process.exitCode = codes.every((code) => code === 0) ? 0 : 1

/** npm has put node_modules/.bin into PATH. */
function run(name, [program, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const output = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk))
    const finish = (code, text) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      console.log(`--- ${name}: ${code === 0 ? 'ok' : 'FAILED'} after ${seconds} s`)
      if (code !== 0) console.log(text)
      resolve(code)
    }
    child.on('error', (error) => finish(1, error.message))
    child.on('close', (code) => finish(code ?? 1, Buffer.concat(output).toString()))
  })
}
