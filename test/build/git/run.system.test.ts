/** How git is run: what it is told of its surroundings, and that nothing of it outlives a cancelled build. */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { runGit } from '../../../src/build/git/run.ts'
import { lacks, missingTools } from '../../support/need.ts'
import { tempDir } from '../../support/temp.ts'

describe.skipIf(lacks('tools', missingTools('git')))('git', () => {
  const idle = new AbortController().signal

  it('keeps the settings of GIT_CONFIG_*, behind which those of wherry stand, and knows no other repository', async () => {
    const folder = tempDir()
    const other = tempDir()
    execFileSync('git', ['init', '-q', other])
    const env = {
      PATH: process.env['PATH'],
      HOME: folder,
      GIT_DIR: join(other, '.git'),
      GIT_WORK_TREE: other,
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'user.name',
      GIT_CONFIG_VALUE_0: 'Ada',
      GIT_CONFIG_KEY_1: 'core.hooksPath',
      GIT_CONFIG_VALUE_1: '/evil',
    }
    const get = (key: string): Promise<string> => runGit(folder, ['config', key], { env, signal: idle })
    expect((await get('user.name')).trim()).toBe('Ada')
    expect((await get('core.hooksPath')).trim()).toBe('/dev/null')
    await expect(runGit(folder, ['rev-parse', '--git-dir'], { env, signal: idle })).rejects.toThrow(
      'not a git repository',
    )
  })

  it('has credentials in no argument', async () => {
    const settings = {
      env: { PATH: process.env['PATH'] },
      auth: { url: 'https://example.com/a.git', header: 'basic c2VjcmV0' },
      signal: idle,
    }
    const header = await runGit(
      tempDir(),
      ['config', '--get-urlmatch', 'http.extraheader', 'https://example.com/a.git'],
      settings,
    )
    expect(header.trim()).toBe('Authorization: basic c2VjcmV0')
    const elsewhere = runGit(
      tempDir(),
      ['config', '--get-urlmatch', 'http.extraheader', 'https://example.org/a.git'],
      settings,
    )
    await expect(elsewhere).rejects.toMatchObject({ code: 'context-invalid' })
  })

  it.each([
    ['ends when it is told to', ''],
    ['does not end', "trap '' TERM"],
  ])(
    'is cancelled with all that it started, also if that %s',
    async (_, trap) => {
      const folder = tempDir()
      const pids = join(folder, 'pids')
      const helper = join(folder, 'git-remote-http')
      // A helper of git, as the one that speaks to servers, and a process of it.
      writeFileSync(
        helper,
        `#!/bin/sh\n${trap}\nsleep 300 &\necho $$ $! > '${pids}.new'\nmv '${pids}.new' '${pids}'\nwait\nwait\n`,
      )
      chmodSync(helper, 0o755)
      const stop = new AbortController()
      const env = { PATH: process.env['PATH'], HOME: folder, GIT_EXEC_PATH: linkedExecPath(folder, helper) }
      const running = runGit(folder, ['ls-remote', 'http://127.0.0.1:1/x.git'], { env, signal: stop.signal })
      const ended = expect(running).rejects.toMatchObject({ code: 'cancelled' })
      while (!existsSync(pids)) await delay(20)
      stop.abort()
      await ended
      // What is killed closes its pipes a moment before it has ended.
      const left = (): string[] => readFileSync(pids, 'utf8').trim().split(' ').filter(isRunning)
      await expect.poll(left, { timeout: 2000 }).toEqual([])
    },
    20_000,
  )
})

/** git's own programs, but for the helper of http. */
function linkedExecPath(folder: string, helper: string): string {
  const path = join(folder, 'exec')
  const own = execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim()
  execFileSync('cp', ['-as', `${own}/.`, path])
  execFileSync('ln', ['-sf', helper, join(path, 'git-remote-http')])
  return path
}

/** False for one that has ended, also if nobody has asked how. */
function isRunning(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
