/** Programs of the host that judge results; a test that lacks one is skipped with the reason, unless it was asked not to be. */
import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

const required = (process.env['WHERRY_REQUIRE'] ?? '').split(',')

/**
 * True if the tool is missing and the test must be skipped; the reason is printed.
 * @throws if WHERRY_REQUIRE names `tools`
 */
export function lacksTool(name: string): boolean {
  if (toolPath(name) !== undefined) return false
  if (required.includes('tools')) throw new Error(`${name} is not installed, but WHERRY_REQUIRE asks for tools`)
  process.stderr.write(`skipped: ${name} is not installed\n`)
  return true
}

/** Where a program is in PATH, or undefined. */
export function toolPath(name: string): string | undefined {
  const dirs = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin']
  return dirs.map((dir) => join(dir, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Runs a tool; its standard output. */
export function run(name: string, ...args: readonly string[]): string {
  return execFileSync(name, args, { encoding: 'utf8', maxBuffer: 64 << 20 })
}
