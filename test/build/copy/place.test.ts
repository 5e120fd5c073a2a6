/** COPY and ADD as one algorithm: what goes where, with which owner, mode and time. */
import { parseFileMode } from '../../../src/dockerfile/file-mode.ts'
import { describe, expect, it } from 'vitest'
import { type PlaceOptions, type Placed, createPlacer } from '../../../src/build/copy/place.ts'
import { selectSources } from '../../../src/build/copy/select.ts'
import type { Entry } from '../../../src/oci/contents.ts'
import { type MergedTree, mergeLayers } from '../../../src/oci/tree-merge.ts'
import { dir, file, hardlink, symlink } from '../../oci/tree-entries.ts'

const now = 99n

/** Copies sources of a tree into a destination tree; origins are the paths in the source. */
function copy(
  from: MergedTree | readonly Entry[],
  sources: readonly string[],
  options: Partial<PlaceOptions> & { to: string; into?: readonly Entry[] },
): Placed<string>[] {
  const tree = 'lookup' in from ? from : mergeLayers([from])
  const placer = createPlacer<string>(mergeLayers([options.into ?? []]), { destination: options.to, now, ...options })
  const source = {
    tree,
    origin: (path: string) => path,
    identity: (path: string) => `${tree.layerOf(path)}:${tree.lookup(path)?.offset}`,
  }
  for (const one of sources) for (const selected of selectSources(tree, one)) placer.copy(source, selected)
  return placer.placed()
}

/** `path=origin` of each file, `path/` of folders, `path->target` of links. */
function shape(placed: readonly Placed<string>[]): string[] {
  return placed.map(({ entry, origin }) => {
    if (entry.type === 'dir') return `${entry.path}/`
    if (entry.type === 'symlink') return `${entry.path}->${entry.link}`
    if (entry.type === 'hardlink') return `${entry.path}=>${entry.link}`
    return `${entry.path}=${origin}`
  })
}

const entryAt = (placed: readonly Placed<string>[], path: string): Entry | undefined =>
  placed.find(({ entry }) => entry.path === path)?.entry

const failing = (message: string): Error =>
  expect.objectContaining({ code: 'copy-failed', message: expect.stringContaining(message) as string }) as Error

/** Files with offsets of their own: equal ones would be names of one file. */
const files = (...paths: string[]): Entry[] => paths.map((path, i) => file(path, { offset: 512 * (i + 1) }))

describe('a folder', () => {
  const source = [dir('app', { mode: 0o700, uid: 5, gid: 6, mtime: 7n }), ...files('app/x', 'app/d/y')]

  it('gives its contents, not itself, with or without slashes', () => {
    for (const [from, to] of [
      ['app', '/opt'],
      ['app/', '/opt'],
      ['app', '/opt/'],
      ['./app/.', '/opt'],
    ] as const) {
      expect(shape(copy(source, [from], { to }))).toEqual(['opt/', 'opt/d/', 'opt/d/y=app/d/y', 'opt/x=app/x'])
    }
  })

  it('makes its destination root-owned, 0755, with the time of the source', () => {
    const made = entryAt(copy(source, ['app'], { to: '/a/b' }), 'a/b')
    expect(made).toMatchObject({ mode: 0o755, uid: 0, gid: 0, mtime: 7n })
    expect(entryAt(copy(source, ['app'], { to: '/a/b' }), 'a')).toMatchObject({ mode: 0o755, uid: 0, mtime: now })
  })

  it('leaves owner and mode of a destination that exists', () => {
    const placed = copy(source, ['app'], { to: '/opt', into: [dir('opt', { mode: 0o1777, uid: 9 })] })
    expect(entryAt(placed, 'opt')).toMatchObject({ mode: 0o1777, uid: 9, mtime: 7n })
  })

  it('gives folders below it that exist its own owner and mode', () => {
    const from = [dir('app'), dir('app/d', { mode: 0o711, uid: 3 }), ...files('app/d/y')]
    const placed = copy(from, ['app'], { to: '/opt', into: [dir('opt'), dir('opt/d', { mode: 0o700, uid: 4 })] })
    expect(entryAt(placed, 'opt/d')).toMatchObject({ mode: 0o711, uid: 3 })
  })

  it('can be the whole tree, onto the root', () => {
    expect(shape(copy(source, ['/'], { to: '/' }))).toEqual(['app/', 'app/d/', 'app/d/y=app/d/y', 'app/x=app/x'])
  })

  it('merges over several sources, the later one winning', () => {
    const from = [...files('a/x', 'a/y', 'b/y', 'b/z')]
    expect(shape(copy(from, ['a', 'b'], { to: '/m/' }))).toEqual(['m/', 'm/x=a/x', 'm/y=b/y', 'm/z=b/z'])
  })

  it('cannot replace a file, nor go through one, nor a link below the top', () => {
    expect(() => copy(source, ['app'], { to: '/f', into: files('f') })).toThrow(
      failing('cannot copy to non-directory: /f'),
    )
    expect(() => copy(source, ['app'], { to: '/f/g', into: files('f') })).toThrow(failing('non-directory: /f'))
    expect(() => copy(source, ['app'], { to: '/o', into: [symlink('o/d', '/tmp')] })).toThrow(
      failing('non-directory: /o/d'),
    )
  })
})

describe('a file', () => {
  const source = files('src/f')

  it('becomes the destination, or goes into it if that is a folder or ends in a slash', () => {
    expect(shape(copy(source, ['src/f'], { to: '/abs' }))).toEqual(['abs=src/f'])
    expect(shape(copy(source, ['src/f'], { to: '/abs/' }))).toEqual(['abs/', 'abs/f=src/f'])
    expect(shape(copy(source, ['src/f'], { to: '/abs', into: [dir('abs')] }))).toEqual(['abs/', 'abs/f=src/f'])
    expect(shape(copy(source, ['src/f'], { to: '/' }))).toEqual(['f=src/f'])
  })

  it('makes folders on the way', () => {
    expect(shape(copy(source, ['src/f'], { to: '/a/b/c' }))).toEqual(['a/', 'a/b/', 'a/b/c=src/f'])
  })

  it('replaces a file and cannot replace a folder', () => {
    expect(shape(copy(source, ['src/f'], { to: '/abs', into: files('abs') }))).toEqual(['abs=src/f'])
    expect(() => copy(source, ['src/f'], { to: '/abs/', into: [dir('abs/f')] })).toThrow(
      failing('cannot replace to directory /abs/f with file'),
    )
    expect(() => copy(source, ['src/f'], { to: '/abs/', into: files('abs') })).toThrow(failing('non-directory: /abs'))
  })

  it('is named as it was written, also when that is a link', () => {
    const from = [...files('real'), symlink('alias', 'real')]
    expect(shape(copy(from, ['alias'], { to: '/d/' }))).toEqual(['d/', 'd/alias=real'])
  })

  it('keeps its time, size and attributes', () => {
    const entry = file('f', { mtime: 123_456_789n, size: 4, xattrs: { 'user.x': '\0' } })
    const placed = copy([entry], ['f'], { to: '/g' })
    expect(entryAt(placed, 'g')).toMatchObject({ mtime: 123_456_789n, size: 4, xattrs: { 'user.x': '\0' } })
  })

  it('cannot have the name of a whiteout', () => {
    expect(() => copy(files('.wh.x'), ['.wh.x'], { to: '/d/' })).toThrow(failing('.wh.'))
  })
})

describe('links', () => {
  it('of the destination are followed inside its root, dangling ones included', () => {
    const into = [
      dir('usr/lib'),
      symlink('lib', 'usr/lib'),
      symlink('up', '../../../new/place'),
      symlink('abs', '/usr'),
    ]
    expect(shape(copy(files('f'), ['f'], { to: '/lib/', into }))).toEqual(['usr/', 'usr/lib/', 'usr/lib/f=f'])
    expect(shape(copy(files('f'), ['f'], { to: '/up/', into }))).toEqual(['new/', 'new/place/', 'new/place/f=f'])
    expect(shape(copy(files('f'), ['f'], { to: '/abs/lib/f', into }))).toEqual(['usr/', 'usr/lib/', 'usr/lib/f=f'])
    expect(shape(copy([dir('d'), ...files('d/f')], ['d'], { to: '/lib', into }))).toContain('usr/lib/f=d/f')
  })

  it('that a file is copied onto are followed at the top, and replaced below it', () => {
    const into = [dir('o'), symlink('o/l', '/elsewhere')]
    expect(shape(copy(files('f'), ['f'], { to: '/o/l', into }))).toEqual(['elsewhere=f'])
    expect(shape(copy(files('d/l'), ['d'], { to: '/o', into }))).toEqual(['o/', 'o/l=d/l'])
  })

  it('of the source below the top are copied as links', () => {
    const from = [dir('d'), symlink('d/l', '../secret'), ...files('secret')]
    expect(shape(copy(from, ['d'], { to: '/o' }))).toEqual(['o/', 'o/l->../secret'])
  })

  it('made by an earlier source are seen by a later one', () => {
    const from = [dir('d'), symlink('d/l', '/target'), ...files('e/x')]
    expect(() => copy(from, ['d', 'e'], { to: '/o/' })).not.toThrow()
    expect(() => copy([dir('d'), symlink('d/l', '/t'), ...files('e/l/x')], ['d', 'e'], { to: '/o/' })).toThrow(
      failing('non-directory: /o/l'),
    )
  })

  it('that are hard are kept within one source, and copied across sources', () => {
    const from = [...files('d/b'), hardlink('d/c', 'd/b'), hardlink('d/a', 'd/b'), hardlink('other', 'd/b')]
    expect(shape(copy(from, ['d'], { to: '/o/' }))).toEqual(['o/', 'o/a=d/a', 'o/b=>o/a', 'o/c=>o/a'])
    expect(shape(copy(from, ['d/b', 'other'], { to: '/o/' }))).toEqual(['o/', 'o/b=d/b', 'o/other=other'])
  })
})

describe('owners and modes', () => {
  const source = [
    dir('d', { uid: 1, gid: 2 }),
    file('d/f', { uid: 3, gid: 4, mode: 0o4711 }),
    symlink('d/l', 'f', { uid: 5 }),
  ]

  it('are those of the source without options', () => {
    const placed = copy(source, ['d'], { to: '/o/p' })
    expect(entryAt(placed, 'o/p/f')).toMatchObject({ uid: 3, gid: 4, mode: 0o4711 })
    expect(entryAt(placed, 'o/p/l')).toMatchObject({ uid: 5, mode: 0o777 })
  })

  it('are those of --chown, also for links and new folders, not for folders that exist', () => {
    const into = [dir('o', { uid: 8 })]
    const placed = copy(source, ['d'], { to: '/o/p', owner: { uid: 10, gid: 11 }, into })
    for (const path of ['o/p', 'o/p/f', 'o/p/l']) expect(entryAt(placed, path)).toMatchObject({ uid: 10, gid: 11 })
    expect(entryAt(placed, 'o')).toMatchObject({ uid: 8, gid: 0 })
  })

  it('are those of --chmod for files and folders, special bits for what is copied alone', () => {
    const placed = copy([...source, dir('d/sub')], ['d'], { to: '/o/p', chmod: parseFileMode('2750') })
    expect(entryAt(placed, 'o/p/f')?.mode).toBe(0o2750)
    expect(entryAt(placed, 'o/p/sub')?.mode).toBe(0o2750)
    expect(entryAt(placed, 'o/p/l')?.mode).toBe(0o777)
    expect(entryAt(placed, 'o')?.mode).toBe(0o750)
    expect(entryAt(placed, 'o/p')?.mode).toBe(0o750)
  })
})

describe('the result', () => {
  it('has folders before what they hold, once each, and the folders above as they were', () => {
    const into = [dir('home', { mode: 0o711 }), dir('home/app', { mode: 0o700, uid: 1000, mtime: 5n })]
    const placed = copy(files('f', 'g'), ['g', 'f', 'g'], { to: '/home/app/', into })
    expect(shape(placed)).toEqual(['home/', 'home/app/', 'home/app/f=f', 'home/app/g=g'])
    expect(entryAt(placed, 'home/app')).toEqual(into[1])
    expect(entryAt(placed, 'home')).toEqual(into[0])
  })

  it('is nothing where a wildcard matches nothing', () => {
    expect(copy(files('f'), ['*.zip'], { to: '/d/' })).toEqual([])
  })

  it('carries devices and fifos', () => {
    const from: Entry[] = [
      { ...file('null'), type: 'char', size: 0, devMajor: 1, devMinor: 3 },
      { ...file('p'), type: 'fifo', size: 0 },
    ]
    const placed = copy(from, ['null', 'p'], { to: '/dev/' })
    expect(entryAt(placed, 'dev/null')).toMatchObject({ type: 'char', devMajor: 1, devMinor: 3 })
    expect(entryAt(placed, 'dev/p')).toMatchObject({ type: 'fifo' })
  })
})

describe('an unpacked archive', () => {
  function unpack(
    entries: readonly Entry[],
    options: Partial<PlaceOptions> & { to: string; into?: readonly Entry[] },
  ): Placed<string>[] {
    const below = mergeLayers([options.into ?? []])
    const placer = createPlacer<string>(below, { destination: options.to, now, ...options })
    placer.unpack(entries, (entry) => entry.path)
    return placer.placed()
  }

  it('goes below the destination, a folder with or without a slash', () => {
    expect(shape(unpack(files('x', 'd/y'), { to: '/opt' }))).toEqual(['opt/', 'opt/d/', 'opt/d/y=d/y', 'opt/x=x'])
  })

  it('keeps owners and modes, whatever --chmod, but for --chown', () => {
    const entries = [dir('d', { uid: 7, mode: 0o700 }), file('d/x', { uid: 8, mode: 0o600 }), file('i/z')]
    const kept = unpack(entries, { to: '/o', chmod: parseFileMode('777') })
    expect(entryAt(kept, 'o/d')).toMatchObject({ uid: 7, mode: 0o700 })
    expect(entryAt(kept, 'o/d/x')).toMatchObject({ uid: 8, mode: 0o600 })
    const owned = unpack(entries, { to: '/o', owner: { uid: 1, gid: 2 } })
    for (const path of ['o', 'o/d', 'o/d/x', 'o/i/z']) expect(entryAt(owned, path)).toMatchObject({ uid: 1, gid: 2 })
    expect(entryAt(owned, 'o/i')).toMatchObject({ uid: 0, gid: 0, mode: 0o755 })
  })

  it('does not change the folder it is unpacked to, but those below it', () => {
    const into = [dir('o', { mode: 0o1777 }), dir('o/d', { mode: 0o700 })]
    const placed = unpack([dir('', { mode: 0o500 }), dir('d', { mode: 0o711 })], { to: '/o', into })
    expect(entryAt(placed, 'o')?.mode).toBe(0o1777)
    expect(entryAt(placed, 'o/d')?.mode).toBe(0o711)
  })

  it('replaces files by folders and folders by files', () => {
    const into = [...files('o/a'), dir('o/b'), ...files('o/b/x')]
    expect(shape(unpack([dir('a'), ...files('a/y'), file('b')], { to: '/o', into }))).toEqual([
      'o/',
      'o/a/',
      'o/a/y=a/y',
      'o/b=b',
    ])
    expect(shape(unpack([dir('a'), ...files('a/y'), file('a')], { to: '/o' }))).toEqual(['o/', 'o/a=a'])
  })

  it('follows links as if the destination were the root', () => {
    const into = [dir('o'), symlink('o/lib', '/usr/lib')]
    expect(shape(unpack(files('lib/x'), { to: '/o', into }))).toEqual([
      'o/',
      'o/usr/',
      'o/usr/lib/',
      'o/usr/lib/x=lib/x',
    ])
    expect(shape(unpack([symlink('l', '../../..'), ...files('l/x')], { to: '/o' }))).toEqual([
      'o/',
      'o/l->../../..',
      'o/x=l/x',
    ])
  })

  it('keeps hard links, with the file under the first name in the order of the layer', () => {
    const entries = [file('z', { size: 3 }), hardlink('a', 'z'), hardlink('m', 'a')]
    const placed = unpack(entries, { to: '/o' })
    expect(shape(placed)).toEqual(['o/', 'o/a=z', 'o/m=>o/a', 'o/z=>o/a'])
    expect(entryAt(placed, 'o/a')).toMatchObject({ type: 'file', size: 3 })
  })

  it('is refused for a hard link to what it does not hold, and for names of whiteouts', () => {
    expect(() => unpack([hardlink('a', 'etc/shadow')], { to: '/', into: files('etc/shadow') })).toThrow(/hard link/)
    expect(() => unpack(files('.wh.x'), { to: '/' })).toThrow(failing('.wh.'))
  })

  it('has no times before 1970, as docker sets them', () => {
    expect(entryAt(unpack([file('x', { mtime: -5n })], { to: '/' }), 'x')?.mtime).toBe(0n)
  })
})
