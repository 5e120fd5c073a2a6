/** The program without its bundles. */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const bin = join(import.meta.dirname, '../../bin')

it('says what to run when dist is missing', () => {
  const dir = mkdtempSync(join(tmpdir(), 'wherry-bin-'))
  try {
    cpSync(bin, join(dir, 'bin'), { recursive: true })
    const ran = spawnSync(process.execPath, [join(dir, 'bin/wherry.js'), '--version'])
    expect(ran.status).toBe(1)
    expect(ran.stderr.toString()).toContain('npm run build')
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

it('tells its version', () => {
  expect(execFileSync(process.execPath, [join(bin, 'wherry.js'), '--version']).toString()).toMatch(
    /^wherry \d+\.\d+\.\d+\n$/,
  )
})
