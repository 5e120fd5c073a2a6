import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { ensureDirectory, publishFile, replaceDurably, replaceQuickly, syncDirectory } from '../../src/host/durable.ts'
import { ownedName, ownerIsDead, parseOwnedName, selfOwner } from '../../src/host/owner.ts'
import { tempDir } from '../support/temp.ts'

describe('replacing a file', () => {
  test.each([replaceDurably, replaceQuickly])(
    'leaves the new bytes with their mode, whatever the umask',
    async (put) => {
      const dir = tempDir()
      const path = join(dir, 'file')
      const old = process.umask(0o077)
      try {
        for (const data of ['one', 'two']) await put({ temp: join(dir, 'temp'), path, data, mode: 0o644 })
      } finally {
        process.umask(old)
      }
      expect(readFileSync(path, 'utf8')).toBe('two')
      expect(statSync(path).mode & 0o777).toBe(0o644)
      expect(existsSync(join(dir, 'temp'))).toBe(false)
    },
  )

  test('leaves no temp file when it fails', async () => {
    const dir = tempDir()
    mkdirSync(join(dir, 'file'))
    const file = { temp: join(dir, 'temp'), path: join(dir, 'file'), data: '', mode: 0o644 }
    await expect(replaceDurably(file)).rejects.toThrow()
    expect(existsSync(file.temp)).toBe(false)
  })
})

describe('publishing a file', () => {
  test('follows no link', async () => {
    const dir = tempDir()
    writeFileSync(join(dir, 'secret'), 'x')
    symlinkSync('secret', join(dir, 'temp'))
    await expect(publishFile({ temp: join(dir, 'temp'), path: join(dir, 'out'), mode: 0o644 })).rejects.toThrow()
  })

  test.skipIf(process.geteuid?.() !== 0)('takes over a file of another id', async () => {
    const dir = tempDir()
    const temp = join(dir, 'temp')
    writeFileSync(temp, 'x', { mode: 0o600 })
    chownSync(temp, 100000, 100000)
    await publishFile({ temp, path: join(dir, 'out'), mode: 0o644, size: 1 })
    expect(statSync(join(dir, 'out'))).toMatchObject({ uid: 0, gid: 0 })
    expect(statSync(join(dir, 'out')).mode & 0o7777).toBe(0o644)
  })
})

test('many syncs of one folder at once all end, also when it is not there', async () => {
  const dir = tempDir()
  await Promise.all(Array.from({ length: 50 }, () => syncDirectory(dir)))
  const results = await Promise.allSettled(Array.from({ length: 5 }, () => syncDirectory(join(dir, 'none'))))
  expect(results.every((r) => r.status === 'rejected')).toBe(true)
})

test('a folder is made with its parents, and left alone when it is there', async () => {
  const dir = join(tempDir(), 'a', 'b')
  await ensureDirectory(dir, 0o700)
  await ensureDirectory(dir, 0o755)
  expect(statSync(dir).mode & 0o777).toBe(0o700)
})

test('a folder that can never be made is refused, and waited for by nobody', async () => {
  await expect(ensureDirectory('/proc/none/below', 0o700)).rejects.toMatchObject({ code: 'ENOENT' })
})

describe('owned names', () => {
  test('tell their owner', () => {
    const name = ownedName('weird/../label with spaces')
    expect(name).not.toMatch(/[/ ]/)
    expect(parseOwnedName(name)).toEqual(selfOwner())
    expect(ownerIsDead(name, 0)).toBe(false)
    expect(parseOwnedName('README')).toBeUndefined()
  })

  test('of a process that has ended but that nobody has waited for are dead', async () => {
    // The shell becomes a program that never waits for the child whose identity it has printed.
    const shell = spawn('sh', ['-c', 'sleep 0.5 & cat /proc/$!/stat; exec sleep 30'])
    try {
      const [text] = (await once(shell.stdout, 'data')) as [Buffer]
      const fields = text.toString().split(' ')
      const [pid = '', start = ''] = [fields[0], fields[21]]
      const { boot, pidNamespace } = selfOwner()
      const name = `${boot}-${pidNamespace}-${pid}-${start}-00-x`
      expect(ownerIsDead(name, Date.now())).toBe(false)
      const stateOf = (): string | undefined => readFileSync(`/proc/${pid}/stat`, 'latin1').split(' ')[2]
      await vi.waitUntil(() => stateOf() === 'Z', 10_000)
      expect(ownerIsDead(name, Date.now())).toBe(true)
    } finally {
      shell.kill('SIGKILL')
    }
  })
})
