/** Collects from made-up systems and from the machine itself. */
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hostTree, madeFilesText } from '../../src/base/host-tree.ts'
import { dpkgPackages } from '../../src/base/installed/dpkg.ts'
import { elf } from './make-elf.ts'

const amd64 = { wide: true, little: true, machine: 62 }
let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wherry-host-'))
})
afterEach(() => rmSync(root, { recursive: true }))

function put(path: string, data: string | Buffer, mode = 0o755): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), data)
  chmodSync(join(root, path), mode)
}

function link(path: string, to: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  symlinkSync(to, join(root, path))
}

/** `path`, or `path -> link`, of everything that is collected. */
function collect(...names: string[]): string[] {
  const packages = dpkgPackages(root)
  const items = hostTree({ root, names, time: 0n, madeFilesAt: '/made', packages })
  return items.map(({ entry }) => (entry.link === undefined ? entry.path : `${entry.path} -> ${entry.link}`))
}

describe('a program', () => {
  test('brings its loader, its libraries, theirs, and the links on the way', () => {
    link('lib', 'usr/lib')
    put('usr/lib/ld.so.1', elf({ ...amd64, needed: [] }))
    put('usr/lib/liba.so.1.2', elf({ ...amd64, needed: ['libb.so'] }))
    link('usr/lib/liba.so.1', 'liba.so.1.2')
    put('usr/lib/libb.so', elf({ ...amd64, needed: ['ld.so.1'] }))
    put('usr/bin/prog', elf({ ...amd64, interpreter: '/lib/ld.so.1', needed: ['liba.so.1'] }))
    expect(collect('prog')).toEqual(
      expect.arrayContaining([
        'lib -> usr/lib',
        'usr/bin/prog',
        'usr/lib/ld.so.1',
        'usr/lib/liba.so.1 -> liba.so.1.2',
        'usr/lib/liba.so.1.2',
        'usr/lib/libb.so',
      ]),
    )
  })

  test('finds libraries beside itself by RUNPATH, and in the folders of ld.so.conf', () => {
    put('opt/x/bin/prog', elf({ ...amd64, needed: ['libown.so', 'libconf.so'], runpath: '$ORIGIN/../lib' }))
    put('opt/x/lib/libown.so', elf({ ...amd64, needed: [] }))
    put('etc/ld.so.conf', 'include /etc/ld.so.conf.d/*.conf\n', 0o644)
    put('etc/ld.so.conf.d/x.conf', '# ours\n/opt/conf\n', 0o644)
    put('etc/ld.so.cache', 'cache', 0o644)
    put('opt/conf/libconf.so', elf({ ...amd64, needed: [] }))
    expect(collect('/opt/x/bin/prog')).toEqual(
      expect.arrayContaining(['etc/ld.so.cache', 'opt/conf/libconf.so', 'opt/x/lib/libown.so']),
    )
  })

  test('takes no library of another machine', () => {
    put('usr/bin/prog', elf({ ...amd64, needed: ['liba.so'] }))
    put('lib/liba.so', elf({ ...amd64, wide: false, machine: 3, needed: [] }))
    put('usr/lib/liba.so', elf({ ...amd64, needed: [] }))
    const paths = collect('prog')
    expect(paths).toContain('usr/lib/liba.so')
    expect(paths).not.toContain('lib/liba.so')
  })

  test('says which library is missing, and for what', () => {
    put('usr/bin/prog', elf({ ...amd64, needed: ['libgone.so'] }))
    expect(() => collect('prog')).toThrow('libgone.so, which /usr/bin/prog needs')
  })

  test('that is a script brings its interpreter, through env too', () => {
    put('bin/sh', elf({ ...amd64, needed: [] }))
    put('usr/bin/env', elf({ ...amd64, needed: [] }))
    put('usr/bin/python9', elf({ ...amd64, needed: [] }))
    put('usr/bin/one', '#!/bin/sh -e\n')
    put('usr/bin/two', '#!/usr/bin/env python9\n')
    expect(collect('one', 'two')).toEqual(expect.arrayContaining(['bin/sh', 'usr/bin/env', 'usr/bin/python9']))
  })

  test('that links to itself is an error, not a loop', () => {
    link('usr/bin/loop', 'loop')
    expect(() => collect('/usr/bin/loop')).toThrow()
  })

  test('that is not there is an error that names it', () => {
    expect(() => collect('nothing-like-this')).toThrow('"nothing-like-this" is neither a program nor')
  })
})

/** A package that dpkg has installed, with its files; a path with a slash at its end is a folder. */
function install(name: string, paths: readonly string[], fields = ''): void {
  const status = join(root, 'var/lib/dpkg/status')
  mkdirSync(dirname(status), { recursive: true })
  const stanza = `Package: ${name}\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n${fields}\n`
  appendFileSync(status, `${stanza}\n`)
  put(`var/lib/dpkg/info/${name}.list`, ['/.', ...paths, ''].join('\n'), 0o644)
}

describe('a package', () => {
  test('brings its files, but no manuals and nothing that is gone', () => {
    put('usr/bin/tool', elf({ ...amd64, needed: [] }))
    put('usr/share/tool/data', 'data', 0o644)
    put('usr/share/man/man1/tool.1', 'manual', 0o644)
    install('tool', ['/usr', '/usr/bin/tool', '/usr/share/tool/data', '/usr/share/man/man1/tool.1', '/gone'])
    const paths = collect('tool')
    expect(paths).toEqual(expect.arrayContaining(['usr/bin/tool', 'usr/share/tool/data']))
    expect(paths.some((path) => path.includes('man'))).toBe(false)
  })

  test('brings what it depends on, by name, alternative or what a package provides', () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) put(`opt/${name}`, name, 0o644)
    install('a', ['/opt/a'], 'Depends: absent | b (>= 1), virtual\nPre-Depends: c:any')
    install('b', ['/opt/b'])
    install('c', ['/opt/c'])
    install('d', ['/opt/d'], 'Provides: virtual (= 2)')
    install('e', ['/opt/e'])
    const paths = collect('a')
    expect(paths.filter((path) => path.startsWith('opt/'))).toEqual(['opt/a', 'opt/b', 'opt/c', 'opt/d'])
  })

  test('is not brought when it was removed and only its settings are left', () => {
    put('etc/gone.conf', 'left', 0o644)
    install('gone', ['/etc/gone.conf'])
    const status = join(root, 'var/lib/dpkg/status')
    writeFileSync(status, readFileSync(status, 'utf8').replace('install ok installed', 'deinstall ok config-files'))
    expect(() => collect('gone')).toThrow('"gone" is neither a program nor')
  })

  test('brings the link that stands for its program', () => {
    put('usr/bin/mawk', elf({ ...amd64, needed: [] }))
    link('usr/bin/awk', '/etc/alternatives/awk')
    link('etc/alternatives/awk', '/usr/bin/mawk')
    put('var/lib/dpkg/alternatives/awk', 'auto\n/usr/bin/awk\n\n/usr/bin/mawk\n5\n\n', 0o644)
    install('mawk', ['/usr/bin/mawk'])
    expect(collect('mawk')).toEqual(
      expect.arrayContaining(['etc/alternatives/awk -> /usr/bin/mawk', 'usr/bin/awk -> /etc/alternatives/awk']),
    )
  })

  test('that has a library for what is not installed comes without that', () => {
    put('usr/lib/plugin.so', elf({ ...amd64, needed: ['libabsent.so'] }))
    install('plugins', ['/usr/lib/plugin.so'])
    expect(collect('plugins')).toContain('usr/lib/plugin.so')
  })
})

describe('without names', () => {
  test('a static busybox comes with the links for what it can do', () => {
    put('bin/busybox', Buffer.concat([elf({ ...amd64, needed: [] }), Buffer.from('\0[\0cat\0sh\0env\0xargs\0')]))
    const paths = collect()
    expect(paths).toEqual(
      expect.arrayContaining(['bin/busybox', 'bin/sh -> busybox', 'bin/cat -> busybox', 'usr/bin/env -> /bin/env']),
    )
    expect(paths).not.toContain('bin/ls -> busybox')
  })

  test('a busybox that needs libraries is not taken; the usual programs that are there are', () => {
    put(
      'bin/busybox',
      Buffer.concat([elf({ ...amd64, interpreter: '/lib/ld', needed: ['libc.so'] }), Buffer.from('\0sh\0')]),
    )
    put('bin/sh', elf({ ...amd64, needed: [] }))
    put('bin/cat', elf({ ...amd64, needed: [] }))
    const paths = collect()
    expect(paths).toEqual(expect.arrayContaining(['bin/cat', 'bin/sh']))
    expect(paths).not.toContain('bin/busybox')
  })

  test('the skeleton has users, groups and an open /tmp', () => {
    put('bin/sh', elf({ ...amd64, needed: [] }))
    const items = hostTree({ root, names: [], time: 5n, madeFilesAt: '/made' })
    const byPath = new Map(items.map((item) => [item.entry.path, item]))
    expect(byPath.get('tmp')?.entry).toMatchObject({ type: 'dir', mode: 0o1777, uid: 0, mtime: 5n })
    const passwd = byPath.get('etc/passwd')
    const start = passwd?.source?.offset ?? -1
    expect(madeFilesText().slice(start, start + (passwd?.entry.size ?? 0))).toMatch(/^root:x:0:0:[^]*nobody:x:65534/)
  })
})

test('folders come before what they hold, each path once, and folder times do not matter', () => {
  put('bin/sh', elf({ ...amd64, needed: [] }))
  put('bin/cat', elf({ ...amd64, needed: [] }))
  const first = hostTree({ root, names: [], time: 0n, madeFilesAt: '/made' })
  utimesSync(join(root, 'bin'), 1, 1)
  expect(hostTree({ root, names: [], time: 0n, madeFilesAt: '/made' })).toEqual(first)
  const paths = first.map((item) => item.entry.path)
  expect(new Set(paths).size).toBe(paths.length)
  for (const [index, path] of paths.entries()) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')))
    if (parent !== '') expect(paths.indexOf(parent)).toBeLessThan(index)
  }
})

test('the machine itself has something to offer', () => {
  const items = hostTree({ root: '/', names: [], time: 0n, madeFilesAt: '/made' })
  expect(items.some((item) => /(^|\/)(sh|busybox)$/.test(item.entry.path))).toBe(true)
})
