/** Other programs read what wherry writes, and wherry reads what they write: GNU tar and Python's tarfile. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { TarHeader } from '../../src/archive/tar-header.ts'
import { toText } from '../../src/core/bytepath.ts'
import { tempDir } from '../support/temp.ts'
import { lacks, missingTools } from '../support/need.ts'
import { run } from '../support/tools.ts'
import { archiveOf, header, parse } from './entries.ts'

const latin1 = (text: string): string => Buffer.from(text).toString('latin1')
const binary = Buffer.from([0, 1, 2, 0x3d, 0x0a, 0xff]).toString('latin1')

/** One of each kind, with what each form has trouble with. */
const odd: readonly { header: TarHeader; body?: Buffer }[] = [
  { header: header({ path: '', type: 'dir', mode: 0o755 }) },
  {
    header: header({ path: 'plain', size: 5, mode: 0o4755, uid: 1000, gid: 100, mtime: 1_700_000_000n * 10n ** 9n }),
    body: Buffer.from('hello'),
  },
  { header: header({ path: 'linked', type: 'hardlink', link: 'plain' }) },
  { header: header({ path: 'sub', type: 'dir', mode: 0o1777 }) },
  { header: header({ path: `sub/${'long/'.repeat(60)}name`, uid: 3_000_000, gid: 4_294_967_294 }) },
  { header: header({ path: 'sub/link', type: 'symlink', link: '../'.repeat(50), mode: 0o777 }) },
  { header: header({ path: latin1('sub/größe'), mtime: 2_208_988_800n * 10n ** 9n + 123_456_789n }) },
  { header: header({ path: latin1('sub/old'), mtime: -86_400_500_000_000n }) },
  { header: header({ path: 'sub/dev', type: 'char', devMajor: 5, devMinor: 300 }) },
  { header: header({ path: 'sub/pipe', type: 'fifo' }) },
  { header: header({ path: 'sub/caps', xattrs: { 'security.capability': binary, 'user.note': 'x' } }) },
]

describe.skipIf(lacks('tools', missingTools('python3')))('Python tarfile', () => {
  const script = `
import sys, tarfile, json
out = []
for m in tarfile.open(sys.argv[1], encoding='utf-8', errors='surrogateescape'):
    out.append([m.name, m.type.decode(), m.mode, m.uid, m.gid, m.size, repr(m.mtime), m.linkname, m.devmajor, m.devminor,
        {k: list(v.encode('utf-8', 'surrogateescape')) for k, v in m.pax_headers.items() if k.startswith('SCHILY')}])
print(json.dumps(out))`

  it('reads every field of what wherry writes', () => {
    const file = join(tempDir(), 'odd.tar')
    writeFileSync(file, archiveOf(odd))
    const rows = JSON.parse(run('python3', '-c', script, file)) as unknown[][]
    const flags = { file: '0', hardlink: '1', symlink: '2', char: '3', block: '4', dir: '5', fifo: '6' }
    const seconds = (ns: bigint): number => Number(ns) / 1e9
    rows.forEach((row, i) => {
      const h = odd[i]!.header
      const name = h.path === '' ? '.' : toText(h.path)
      expect(row.slice(0, 6)).toEqual([name, flags[h.type], h.mode, h.uid, h.gid, h.size])
      expect(Number(row[6])).toBeCloseTo(seconds(h.mtime), 4)
      expect(row.slice(7, 10)).toEqual([h.link ?? '', h.devMajor ?? 0, h.devMinor ?? 0])
      const attributes = Object.entries(h.xattrs ?? {}).map(([k, v]) => [
        `SCHILY.xattr.${k}`,
        [...Buffer.from(v, 'latin1')],
      ])
      expect(row[10]).toEqual(Object.fromEntries(attributes))
    })
    expect(rows).toHaveLength(odd.length)
  })

  it.each(['USTAR_FORMAT', 'GNU_FORMAT', 'PAX_FORMAT'])('is read back in its %s', (format) => {
    const file = join(tempDir(), 'py.tar')
    const make = `
import sys, tarfile, io
t = tarfile.open(sys.argv[1], 'w', format=tarfile.${format})
def add(name, **k):
    i = tarfile.TarInfo(name)
    for a, v in k.items(): setattr(i, a, v)
    t.addfile(i, io.BytesIO(b'x' * i.size))
add('dir/' + 'n' * 90, size=700, mtime=1234567890, uid=1000, mode=0o2755)
add('p' * 50 + '/' + 'q' * 60 + '/' + 'r' * 60, type=tarfile.SYMTYPE, linkname='t' * 90)
add('hard', type=tarfile.LNKTYPE, linkname='./dir/x')
if '${format}' != 'USTAR_FORMAT': add('z' * 300, type=tarfile.SYMTYPE, linkname='y' * 300, uid=5000000, gid=5000000)
t.close()`
    run('python3', '-c', make, file)
    const read = parse(readFileSync(file), 333)
    expect(read[0]).toMatchObject({
      header: { path: `dir/${'n'.repeat(90)}`, size: 700, mode: 0o2755, uid: 1000, mtime: 1_234_567_890n * 10n ** 9n },
      body: Buffer.alloc(700, 'x'),
    })
    expect(read[1]?.header).toMatchObject({
      path: `${'p'.repeat(50)}/${'q'.repeat(60)}/${'r'.repeat(60)}`,
      link: 't'.repeat(90),
    })
    expect(read[2]?.header).toMatchObject({ type: 'hardlink', link: 'dir/x' })
    if (format !== 'USTAR_FORMAT')
      expect(read[3]?.header).toMatchObject({ path: 'z'.repeat(300), link: 'y'.repeat(300), uid: 5_000_000 })
  })
})

describe.skipIf(lacks('tools', missingTools('tar')))('GNU tar', () => {
  it('lists what wherry writes without a complaint', () => {
    const file = join(tempDir(), 'odd.tar')
    writeFileSync(file, archiveOf(odd))
    const options = ['--full-time', '--numeric-owner', '--quoting-style=literal', '-tvf', file]
    const lines = execFileSync('tar', options, {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' },
    })
      .trim()
      .split('\n')
    expect(lines).toHaveLength(odd.length)
    expect(lines[1]).toMatch(/^-rwsr-xr-x 1000\/100 +5 2023-11-14 22:13:20 plain$/)
    expect(lines[2]).toMatch(/^h.* linked link to plain$/)
    expect(lines[4]).toMatch(/ 3000000\/4294967294 .*long\/name$/)
    expect(lines[6]).toMatch(/ 2040-01-01 00:00:00\.123456789 sub\/größe$/)
    // GNU tar shows -86400.5 s as the second above it and the distance from it.
    expect(lines[7]).toMatch(/ 1969-12-31 00:00:00\.5 +sub\/old$/)
    expect(lines[8]).toMatch(/^c.* 5,300 .*sub\/dev$/)
  })

  it.each(['gnu', 'oldgnu', 'pax', 'ustar', 'v7'])('is read in its format %s', (format) => {
    const dir = tempDir()
    const root = join(dir, 'root')
    mkdirSync(join(root, 'sub'), { recursive: true })
    writeFileSync(join(root, 'sub', 'a'), 'body')
    utimesSync(join(root, 'sub', 'a'), 1000, 1000)
    symlinkSync('sub/a', join(root, 'ln'))
    const deep = format === 'v7' || format === 'ustar' ? 'short' : 'deep'.repeat(40)
    writeFileSync(join(root, deep), '')
    run('tar', `--format=${format}`, '--sort=name', '-cf', join(dir, 'x.tar'), '-C', root, '.')
    const read = parse(readFileSync(join(dir, 'x.tar')), 1000)
    expect(read.map((e) => [e.header.path, e.header.type]).sort()).toEqual(
      [
        ['', 'dir'],
        [deep, 'file'],
        ['ln', 'symlink'],
        ['sub', 'dir'],
        ['sub/a', 'file'],
      ].sort(),
    )
    expect(read.find((e) => e.header.path === 'sub/a')).toMatchObject({
      header: { mtime: 1000n * 10n ** 9n },
      body: Buffer.from('body'),
    })
  })

  it.each([
    ['gnu', []],
    ['pax', ['--sparse-version=0.0']],
    ['pax', ['--sparse-version=0.1']],
    ['pax', ['--sparse-version=1.0']],
  ])('is read with sparse files in its format %s %s', (format, options) => {
    const dir = tempDir()
    const file = join(dir, 'holes')
    // Data, hole, data, … : more fragments than the old header holds, then a hole at the end.
    const content = Buffer.alloc(64 * 65_536)
    for (let i = 0; i < 60; i++) content.fill(i + 1, i * 65_536, i * 65_536 + 5000)
    execFileSync('python3', [
      '-c',
      `
import sys
f = open(sys.argv[1], 'wb')
for i in range(60):
    f.seek(i * 65536); f.write(bytes([i + 1]) * 5000)
`,
      file,
    ])
    truncateSync(file, content.length)
    run('tar', `--format=${format}`, ...options, '--sparse', '-cf', join(dir, 'x.tar'), '-C', dir, 'holes')
    const [entry] = parse(readFileSync(join(dir, 'x.tar')), 4096)
    expect(entry?.header).toMatchObject({ path: 'holes', size: content.length })
    expect(entry?.offset).toBeUndefined()
    expect(entry?.body.equals(content)).toBe(true)
  })
})
