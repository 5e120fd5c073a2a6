import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, lstatSync, mkdirSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { chosenMode, choose } from '../../src/host/choose.ts'
import { probeFacts } from '../../src/host/facts.ts'
import { openInRoot, setTimes } from '../../src/host/files.ts'
import { enterNamespace } from '../../src/host/namespace.ts'
import { makePipe } from '../../src/host/process.ts'
import { getXattr, listXattrs, readXattrs, removeXattr, setXattr } from '../../src/host/xattrs.ts'
import { runInNamespace } from '../support/namespace.ts'
import { lacks, missingTools, noUserNamespace } from '../support/need.ts'

const folder = mkdtempSync(join(tmpdir(), 'wherry-host-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string): string => join(folder, name)

describe('extended attributes', () => {
  const path = (name: string): Buffer => Buffer.from(at(name))

  test('keep every byte of name and value', () => {
    writeFileSync(at('file'), '')
    setXattr(path('file'), 'user.n\xe4me', 'a\0\xff')
    expect(readXattrs(path('file'))).toEqual({ 'user.n\xe4me': 'a\0\xff' })
    expect(getXattr(path('file'), 'user.other')).toBeUndefined()
    removeXattr(path('file'), 'user.n\xe4me')
    removeXattr(path('file'), 'user.n\xe4me')
    expect(listXattrs(path('file'))).toEqual([])
    expect(readXattrs(path('file'))).toBeUndefined()
  })

  test('are those of a link, not of its target', () => {
    symlinkSync('file', at('link'))
    setXattr(path('file'), 'user.x', '')
    expect(listXattrs(path('link'))).toEqual([])
  })

  test('of a missing file are an error with its code', () => {
    expect(() => listXattrs(path('missing'))).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  })
})

describe('times', () => {
  test.each([0n, -1n, -1_500_000_000n, 1_700_000_000_123_456_789n, 4_000_000_000_000_000_001n])(
    '%d ns are kept',
    (mtime) => {
      writeFileSync(at('times'), '')
      setTimes(Buffer.from(at('times')), { mtime, atime: 5n })
      const stats = lstatSync(at('times'), { bigint: true })
      expect([stats.mtimeNs, stats.atimeNs]).toEqual([mtime, 5n])
    },
  )

  test('of a link are its own', () => {
    symlinkSync('/', at('to-root'))
    setTimes(Buffer.from(at('to-root')), { mtime: 7n })
    expect(lstatSync(at('to-root'), { bigint: true }).mtimeNs).toBe(7n)
  })
})

describe('openInRoot', () => {
  test.each(['../../../../etc/passwd', '/etc/passwd', 'out', 'up/etc/passwd'])('%s does not leave the root', (path) => {
    mkdirSync(at('root'), { recursive: true })
    for (const [name, target] of [
      ['out', '/etc/passwd'],
      ['up', '../..'],
    ] as const) {
      rmSync(at(`root/${name}`), { force: true })
      symlinkSync(target, at(`root/${name}`))
    }
    const root = openSync(at('root'), 'r')
    expect(() => openInRoot(root, Buffer.from(path), 0)).toThrow(expect.objectContaining({ code: 'ENOENT' }))
    closeSync(root)
  })
})

test('a pipe can be opened by name, unlike those of Node', async () => {
  const { read, write } = makePipe()
  const child = spawn('sh', ['-c', 'echo text >/dev/stdout'], { stdio: ['ignore', write, 'inherit'] })
  closeSync(write)
  await once(child, 'exit')
  expect(readFileSync(read, 'utf8')).toBe('text\n')
  closeSync(read)
})

const noNamespace = lacks('userns', noUserNamespace())

const bestMode = async () => chosenMode(choose(await probeFacts(), 'auto'))

describe.skipIf(noNamespace)('the inner process', () => {
  const command = (script: string) => ({ argv: ['-e', script], env: process.env })

  test('is uid 0 with every capability in the namespace, and none of the host', async () => {
    const script = `const fs = require('fs')
      fs.writeSync(3, JSON.stringify([process.getuid(), /CapEff:\\t(\\S+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]]))`
    const inner = await enterNamespace(await bestMode(), command(script))
    const [answer] = (await once(inner.control, 'data')) as [Buffer]
    expect(JSON.parse(answer.toString())).toEqual([0, expect.stringMatching(/1ffffffffff$/)])
    expect(await inner.exited).toEqual({ code: 0, signal: null })
  })

  test('has neither the extra certificates nor a short PATH', async () => {
    const mode = await bestMode()
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: '/nonexistent', PATH: '/nowhere' }
    const script = `require('fs').writeSync(3, JSON.stringify([process.env.NODE_EXTRA_CA_CERTS ?? '', process.env.PATH]))`
    const inner = await enterNamespace(mode, { argv: ['-e', script], env })
    const [answer] = (await once(inner.control, 'data')) as [Buffer]
    expect(JSON.parse(answer.toString())).toEqual(['', expect.stringMatching(/^\/nowhere:.*\/usr\/sbin/)])
    await inner.exited
  })

  test('says what it died of', async () => {
    const inner = await enterNamespace(await bestMode(), command('throw new Error("broken")'))
    expect((await inner.exited).code).toBe(1)
    expect(inner.lastErrors()).toContain('broken')
  })

  test('can be killed', async () => {
    const inner = await enterNamespace(await bestMode(), command('setInterval(() => {}, 1000)'))
    await delay(20)
    inner.kill()
    expect(await inner.exited).toEqual({ code: null, signal: 'SIGKILL' })
  })

  test('a map that the kernel refuses is an error, and nothing is left', async () => {
    const wrong = [{ inside: 0, outside: 4294967294, count: 7 }]
    const mode = {
      kind: 'mapped',
      writer: 'identity',
      idMap: 'x',
      uids: wrong,
      gids: wrong,
      fidelity: 'exact',
    } as const
    await expect(enterNamespace(mode, command('0'))).rejects.toMatchObject({ code: 'host-unsupported' })
  })

  test('works without newuidmap, with one id', async () => {
    const facts = await probeFacts()
    const { tools: all } = facts
    const tools = Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith('new')))
    const mode = chosenMode(choose({ ...facts, tools }, 'auto'))
    const inner = await enterNamespace(mode, command('0'))
    expect(mode.kind).toBe(facts.uid === 0 ? 'mapped' : 'single')
    expect((await inner.exited).code).toBe(0)
  })
})

describe.skipIf(noNamespace)('inside', async () => {
  const outcomes = noNamespace
    ? new Map<string, string>()
    : await runInNamespace(join(import.meta.dirname, 'host-calls.ts'), 'auto')

  test.each([...outcomes])('%s', (_name, failure) => {
    expect(failure).toBeUndefined()
  })
})

describe('facts', () => {
  test.skipIf(lacks('tools', missingTools('unshare')))('agree with the kernel about user namespaces', async () => {
    const facts = await probeFacts({ tryNamespace: true })
    expect(facts.usernsRefusal === undefined).toBe(noUserNamespace() === undefined)
    expect(facts.kernel).toBe(execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim())
  })
})
