#!/usr/bin/env node
// Checks Node's version, then hands over to the bundle.
import { existsSync } from 'node:fs'

const [major, minor] = process.versions.node.split('.').map(Number)
const bundle = new URL('../dist/cli.js', import.meta.url)
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`wherry needs Node 20.19 or later; this is ${process.versions.node}.\n`)
  process.exitCode = 1
} else if (!existsSync(bundle)) {
  process.stderr.write('wherry has not been built: run `npm run build` in its folder.\n')
  process.exitCode = 1
} else {
  await import(bundle.href)
}
