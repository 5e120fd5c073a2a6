/** The build context over real folders. */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type BuildContext, type HashFiles, openContext } from '../../../src/build/context/context.ts'
import { type BytePath, fromText, toBytes } from '../../../src/core/bytepath.ts'
import type { BuildEvent } from '../../../src/core/events.ts'
import { type Scope, quietScope } from '../../../src/core/scope.ts'
import { tempDir } from '../../support/temp.ts'

/** Makes files: a path that ends in / is a folder, one with `->` a symlink; otherwise the content is the path. */
function populate(root: string, ...paths: readonly string[]): string {
  for (const path of paths) {
    const [name, target] = path.split(' -> ') as [string, string?]
    mkdirSync(join(root, path.endsWith('/') ? path : join(name, '..')), { recursive: true })
    if (target !== undefined) symlinkSync(target, join(root, name))
    else if (!path.endsWith('/')) writeFileSync(join(root, path), path)
  }
  return root
}

function listAll(context: BuildContext, folder: BytePath = ''): BytePath[] {
  return context.tree.list(folder).flatMap((name) => {
    const path = folder === '' ? name : `${folder}/${name}`
    return [path, ...listAll(context, path)]
  })
}

const open = (directory: string, rest: { dockerfile?: string; cacheDir?: string } = {}): Promise<BuildContext> =>
  openContext({ directory, ...rest }, quietScope())

function hashOf(path: BytePath): string {
  return createHash('sha256')
    .update(readFileSync(toBytes(path)))
    .digest('hex')
}

/** A hasher that really hashes, and counts. */
function counting(): { hash: HashFiles; asked: BytePath[] } {
  const asked: BytePath[] = []
  const hash: HashFiles = (paths) => {
    asked.push(...paths)
    return Promise.resolve(paths.map(hashOf))
  }
  return { hash, asked }
}

describe('the tree', () => {
  it('shows entries with their modes, times, sizes and targets, owned by root', async () => {
    const root = populate(tempDir(), 'a/b.txt', 'a/empty/', 'link -> ../outside', 'z')
    chmodSync(join(root, 'z'), 0o4751)
    utimesSync(join(root, 'z'), 1, 1234.5)
    const { tree } = await open(root)
    expect(listAll(await open(root))).toEqual(['a', 'a/b.txt', 'a/empty', 'link', 'z'])
    expect(tree.lookup('z')).toMatchObject({
      type: 'file',
      mode: 0o4751,
      uid: 0,
      gid: 0,
      size: 1,
      mtime: 1_234_500_000_000n,
    })
    expect(tree.lookup('link')).toMatchObject({ type: 'symlink', link: '../outside', size: 0 })
    expect(tree.lookup('a')).toMatchObject({ type: 'dir', size: 0 })
    expect(tree.lookup('')).toMatchObject({ path: '', type: 'dir' })
    expect(tree.lookup('a/none')).toBeUndefined()
    expect(tree.list('z')).toEqual([])
    expect(tree.lookup('z/x')).toBeUndefined()
  })

  it('does not follow links to folders', async () => {
    const { tree } = await open(populate(tempDir(), 'real/file', 'link -> real'))
    expect(tree.list('link')).toEqual([])
    expect(tree.lookup('link/file')).toBeUndefined()
  })

  it('keeps names that are not UTF-8, sorted by their bytes', async () => {
    const root = tempDir()
    const names = ['\u00ff\u00fe', 'b', '\u00c3\u00a9', 'a\nb']
    for (const name of names) writeFileSync(toBytes(fromText(root) + '/' + name), name)
    const context = await open(root)
    expect(context.tree.list('')).toEqual(['a\nb', 'b', '\u00c3\u00a9', '\u00ff\u00fe'])
    const { hash } = counting()
    await context.hashed([''], hash)
    for (const name of names) expect(context.tree.lookup(name)?.sha256).toBe(hashOf(context.pathOf(name)))
  })

  it('has sockets as empty files, whose content nobody asks for', async () => {
    const root = populate(tempDir(), 'file')
    const server = createServer().listen(join(root, 'socket'))
    await new Promise((resolve) => server.once('listening', resolve))
    const { hash, asked } = counting()
    const tree = await (await open(root)).hashed([''], hash)
    expect(tree.list('')).toEqual(['file', 'socket'])
    const empty = createHash('sha256').digest('hex')
    expect(tree.lookup('socket')).toMatchObject({ type: 'file', size: 0, sha256: empty })
    expect(asked).toEqual([fromText(join(root, 'file'))])
    await new Promise((resolve) => server.close(resolve))
  })

  it('knows which names are one file', async () => {
    const root = populate(tempDir(), 'a', 'b')
    linkSync(join(root, 'a'), join(root, 'c'))
    const context = await open(root)
    expect(context.identity('a')).toBe(context.identity('c'))
    expect(context.identity('a')).toBeDefined()
    expect(context.identity('b')).toBeUndefined()
  })

  it('refuses a context that is not there or is a file', async () => {
    const root = populate(tempDir(), 'file')
    await expect(open(join(root, 'none'))).rejects.toMatchObject({ code: 'context-invalid' })
    await expect(open(join(root, 'file'))).rejects.toMatchObject({ code: 'context-invalid' })
  })
})

describe('the ignore file', () => {
  it('excludes, and brings back what lies in excluded folders', async () => {
    const root = populate(tempDir(), 'a/b/c', 'a/b/d', 'a/x', 'keep', 'n/m/o', 'z')
    writeFileSync(join(root, '.dockerignore'), '*\n!a/b/c\n!keep\n')
    expect(listAll(await open(root))).toEqual(['a', 'a/b', 'a/b/c', 'keep'])
  })

  it('does not read folders in which nothing can be brought back', async () => {
    const root = populate(tempDir(), 'a/x', 'secret/y')
    writeFileSync(join(root, '.dockerignore'), 'secret\n!a/**\n')
    chmodSync(join(root, 'secret'), 0)
    expect(listAll(await open(root))).toEqual(['.dockerignore', 'a', 'a/x'])
    chmodSync(join(root, 'secret'), 0o700)
  })

  it('next to the Dockerfile overrides that of the context', async () => {
    const root = populate(tempDir(), 'a', 'b')
    const other = tempDir()
    writeFileSync(join(root, '.dockerignore'), 'a\n')
    writeFileSync(join(other, 'x.Dockerfile.dockerignore'), 'b\n.dockerignore')
    expect((await open(root, { dockerfile: join(other, 'x.Dockerfile') })).tree.list('')).toEqual(['a'])
    expect((await open(root, { dockerfile: join(other, 'none') })).tree.list('')).toEqual(['.dockerignore', 'b'])
  })

  it('with a malformed pattern is an error', async () => {
    const root = populate(tempDir(), 'a')
    writeFileSync(join(root, '.dockerignore'), 'a[\n')
    await expect(open(root)).rejects.toMatchObject({ code: 'dockerfile-invalid' })
  })

  it('matches names that are not ASCII', async () => {
    const root = populate(tempDir(), 'é.txt', 'e.txt')
    writeFileSync(join(root, '.dockerignore'), '\ufeff?.txt\n!e.txt\n.dockerignore')
    expect(listAll(await open(root))).toEqual(['e.txt'])
  })
})

/** Long enough that a file counts as settled. */
const settle = (): Promise<void> => delay(80)

describe('content hashes', () => {
  it('come from the cache for files that did not change, by whatever path they are selected', async () => {
    const root = populate(tempDir(), 'a/x', 'a/y', 'b')
    const cacheDir = tempDir()
    await settle()
    const first = counting()
    await (await open(root, { cacheDir })).hashed(['a'], first.hash)
    expect(first.asked).toEqual([join(root, 'a/x'), join(root, 'a/y')])
    writeFileSync(join(root, 'a/y'), 'changed')
    const second = counting()
    const context = await open(root, { cacheDir })
    const tree = await context.hashed(['a/x', ''], second.hash)
    expect(second.asked.sort()).toEqual([join(root, 'a/y'), join(root, 'b')])
    for (const path of ['a/x', 'a/y', 'b']) expect(tree.lookup(path)?.sha256).toBe(hashOf(join(root, path)))
  })

  it('are computed once if calls overlap', async () => {
    const root = populate(tempDir(), 'a/x', 'b')
    const context = await open(root)
    const { hash, asked } = counting()
    await Promise.all([context.hashed(['a'], hash), context.hashed([''], hash), context.hashed(['a'], hash)])
    expect(asked.sort()).toEqual([join(root, 'a/x'), join(root, 'b')])
  })

  it('see an edit with the same size and time of modification', async () => {
    const root = populate(tempDir(), 'file')
    const cacheDir = tempDir()
    utimesSync(join(root, 'file'), 1000, 1000)
    await settle()
    await (await open(root, { cacheDir })).hashed([''], counting().hash)
    writeFileSync(join(root, 'file'), 'FILE')
    utimesSync(join(root, 'file'), 1000, 1000)
    const { tree } = await open(root, { cacheDir })
    const context = await open(root, { cacheDir })
    await context.hashed([''], counting().hash)
    expect(tree.lookup('file')?.mtime).toBe(1_000_000_000_000n)
    expect(context.tree.lookup('file')?.sha256).toBe(hashOf(join(root, 'file')))
  })

  it('are right for files that change again and again within the clock grain', async () => {
    const root = tempDir()
    const cacheDir = tempDir()
    for (let i = 0; i < 100; i++) {
      writeFileSync(join(root, 'file'), String(i % 10))
      utimesSync(join(root, 'file'), 1000, 1000)
      const context = await open(root, { cacheDir })
      await context.hashed([''], counting().hash)
      expect(context.tree.lookup('file')?.sha256).toBe(hashOf(join(root, 'file')))
    }
  })

  it('see a file that was replaced by another of the same size and time', async () => {
    const root = populate(tempDir(), 'one', 'two')
    const cacheDir = tempDir()
    for (const name of ['one', 'two']) utimesSync(join(root, name), 1000, 1000)
    await settle()
    await (await open(root, { cacheDir })).hashed([''], counting().hash)
    renameSync(join(root, 'two'), join(root, 'one'))
    const context = await open(root, { cacheDir })
    await context.hashed([''], counting().hash)
    expect(context.tree.lookup('one')?.sha256).toBe(hashOf(join(root, 'one')))
  })

  it('survive a cache that is torn, garbage or gone', async () => {
    const root = populate(tempDir(), 'a', 'b')
    const cacheDir = tempDir()
    await settle()
    const warm = async (): Promise<number> => {
      const { hash, asked } = counting()
      const context = await open(root, { cacheDir })
      await context.hashed([''], hash)
      expect(context.tree.lookup('a')?.sha256).toBe(hashOf(join(root, 'a')))
      return asked.length
    }
    const file = async (): Promise<string> => {
      await warm()
      return join(cacheDir, readdirSync(cacheDir)[0]!)
    }
    expect(await warm()).toBe(2)
    expect(await warm()).toBe(0)
    truncateSync(await file(), 100)
    expect(await warm()).toBe(2)
    const bytes = readFileSync(await file())
    bytes[80] = bytes[80]! ^ 1
    writeFileSync(await file(), bytes)
    expect(await warm()).toBe(2)
    writeFileSync(await file(), '')
    expect(await warm()).toBe(2)
    rmSync(await file())
    expect(await warm()).toBe(2)
    expect(readdirSync(cacheDir)).toHaveLength(1)
  })

  it('are given without a cache that can be written, with a warning', async () => {
    const root = populate(tempDir(), 'a')
    const events: BuildEvent[] = []
    const scope: Scope = { ...quietScope(), emit: (event) => events.push(event) }
    const context = await openContext({ directory: root, cacheDir: join(root, 'none') }, scope)
    await context.hashed([''], counting().hash)
    expect(context.tree.lookup('a')?.sha256).toBe(hashOf(join(root, 'a')))
    expect(events.map((event) => event.type)).toEqual(['warning', 'context'])
  })

  it('end when the build is cancelled', async () => {
    const root = populate(tempDir(), 'a')
    const controller = new AbortController()
    const context = await openContext({ directory: root }, quietScope(controller.signal))
    controller.abort()
    await expect(context.hashed([''], counting().hash)).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('of 20,000 files come from the cache in well under a second', async () => {
    const root = tempDir()
    for (let i = 0; i < 200; i++) {
      mkdirSync(join(root, `folder-${i}`))
      for (let j = 0; j < 100; j++) writeFileSync(join(root, `folder-${i}`, `file-${j}`), '')
    }
    const cacheDir = tempDir()
    await settle()
    const none: HashFiles = (paths) => Promise.resolve(paths.map(() => '0'.repeat(64)))
    await (await open(root, { cacheDir })).hashed([''], none)
    const { hash, asked } = counting()
    const before = process.cpuUsage()
    await (await open(root, { cacheDir })).hashed([''], hash)
    const { user, system } = process.cpuUsage(before)
    expect(asked).toEqual([])
    expect((user + system) / 1000).toBeLessThan(800)
  })
})
