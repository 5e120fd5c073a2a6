/** Temporary folders that go with the test that made them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A fresh folder, removed when the running test ends. */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'wherry-test-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}
