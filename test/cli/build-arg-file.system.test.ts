/** Files of build args. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readBuildArgFiles } from '../../src/cli/build-arg-file.ts'
import { tempDir } from '../support/temp.ts'

it('takes lines in order, without comments and empty ones', async () => {
  const dir = tempDir()
  await writeFile(join(dir, 'a'), '# versions\nA=1\n\nB=x=y \r\nC\n')
  await writeFile(join(dir, 'b'), 'A=2')
  expect(await readBuildArgFiles(['a', join(dir, 'b')], dir)).toEqual(['A=1', 'B=x=y ', 'C', 'A=2'])
})

it('names the line without a key, and the file that is not there', async () => {
  const dir = tempDir()
  await writeFile(join(dir, 'a'), 'A=1\n=2\n')
  await expect(readBuildArgFiles(['a'], dir)).rejects.toThrow('a:2: "=2" has no key')
  await expect(readBuildArgFiles(['none'], dir)).rejects.toThrow(/--build-arg-file .*none cannot be read/)
})
