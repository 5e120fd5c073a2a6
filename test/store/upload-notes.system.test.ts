/** Where uploads stand: known to the process after, and never taken from one that lives. */
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openStore } from '../../src/store/store.ts'
import { tempDir } from '../support/temp.ts'

test('a note is taken once, and only when its writer is gone', async () => {
  const store = await openStore(tempDir())
  const { root, uploads } = store
  const tmp = join(root, 'tmp')
  const url = 'https://reg.example.com/v2/app/blobs/uploads/1?_state=x'
  expect(await uploads.take('reg app sha256:1')).toBeUndefined()
  await uploads.put('reg app sha256:1', url)
  expect(await uploads.take('reg app sha256:1')).toBeUndefined()
  const [name = ''] = readdirSync(tmp)
  expect(statSync(join(tmp, name)).mode & 0o777).toBe(0o600)
  // As a process of this machine would have written it that has ended since.
  const [pid] = execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' }).split('\n')
  const text = readFileSync(join(tmp, name), 'utf8')
  writeFileSync(join(tmp, name), text.replace(/^(\w+-\d+)-\d+-/, `$1-${pid}-`))
  await store.sweep()
  const taken = await Promise.all([1, 2, 3].map(() => uploads.take('reg app sha256:1')))
  expect(taken.filter((each) => each !== undefined)).toEqual([url])
  expect([await uploads.take('reg app sha256:1'), readdirSync(tmp)]).toEqual([undefined, []])
})

test('a note is dropped, whether it is there or not', async () => {
  const { root, uploads } = await openStore(tempDir())
  await uploads.put('a', 'https://a/')
  await uploads.drop('a')
  await uploads.drop('a')
  expect(readdirSync(join(root, 'tmp'))).toEqual([])
})
