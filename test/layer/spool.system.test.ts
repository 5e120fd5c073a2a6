/** What ADD takes for an archive, and what for a plain file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fromText } from '../../src/core/bytepath.ts'
import { spoolArchive } from '../../src/layer/spool.ts'
import { rawTar } from '../support/raw-tar.ts'

let dir: string
let count = 0
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'spool-'))
})
afterAll(() => {
  rmSync(dir, { recursive: true })
})

function spool(bytes: Buffer | string): ReturnType<typeof spoolArchive> {
  count += 1
  const path = join(dir, `file-${String(count)}`)
  writeFileSync(path, bytes)
  return spoolArchive({ path: fromText(path), spoolPath: `${path}.spool` })
}

describe('spoolArchive', () => {
  const tar = rawTar([{ name: 'f', data: randomBytes(20_000).toString('latin1') }])

  it('refuses an archive that ends within its first file', async () => {
    await expect(spool(tar.subarray(0, 2000))).rejects.toMatchObject({ code: 'archive-invalid' })
    await expect(spool(gzipSync(tar).subarray(0, 9000))).rejects.toMatchObject({ code: 'archive-invalid' })
  })

  it('takes what has no readable first header for a plain file', async () => {
    expect(await spool('no archive')).toBeUndefined()
    expect(await spool(tar.subarray(0, 300))).toBeUndefined()
    expect(await spool(gzipSync('no archive'))).toBeUndefined()
  })
})
