import { createHash } from 'node:crypto'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fromText } from '../../src/core/bytepath.ts'
import { hashFiles } from '../../src/rootfs/hash.ts'
import { tempDir } from '../support/temp.ts'

test('hashes files of every size, and through links', () => {
  const dir = tempDir()
  const contents = [0, 1, 4096, 1 << 20, (1 << 20) + 1, 3_000_000].map((size) => Buffer.alloc(size, `${size}`))
  const paths = contents.map((bytes, i) => {
    const path = join(dir, `f${i}`)
    writeFileSync(path, bytes)
    return path
  })
  symlinkSync(paths[2]!, join(dir, 'link'))
  const expected = [...contents, contents[2]!].map((bytes) => createHash('sha256').update(bytes).digest('hex'))
  expect(hashFiles([...paths, join(dir, 'link')].map(fromText))).toEqual(expected)
})
