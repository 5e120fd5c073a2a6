/** Archives that no honest program writes: each ends in an error that names the place, never in a hang or in huge memory. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WherryError } from '../../src/core/errors.ts'
import { rawTar } from '../support/raw-tar.ts'
import { archiveOf, header, parse } from './entries.ts'

function failure(archive: Buffer): WherryError {
  try {
    parse(archive, 700, { maxEntries: 50, maxHoleBytes: 1 << 20 })
  } catch (error) {
    if (error instanceof WherryError) return error
    throw error
  }
  throw new Error('the archive was accepted')
}

describe('a hostile archive', () => {
  it('never makes the parser throw anything else', () => {
    const good = archiveOf([
      { header: header({ path: 'a'.repeat(200), size: 700, xattrs: { 'user.x': 'y' } }), body: Buffer.alloc(700, 1) },
      { header: header({ path: 'b', type: 'hardlink', link: 'a' }) },
    ])
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(damage, fc.integer({ min: 1, max: good.length }), (changes, length) => {
        const bad = Buffer.from(good.subarray(0, length))
        for (const [at, byte] of changes) if (at < length) bad[at] = byte
        try {
          parse(bad, 300)
        } catch (error) {
          expect(error).toBeInstanceOf(WherryError)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('is refused for a wrong checksum', () => {
    const archive = archiveOf([{ header: header({ path: 'good' }) }, { header: header({ path: 'bad' }) }])
    archive[512] = 0x7a
    expect(failure(archive)).toMatchObject({
      code: 'archive-invalid',
      message: expect.stringContaining('"good"') as string,
    })
  })

  it.each([100, 600, 900])('is refused when cut after %d bytes', (length) => {
    const body = Buffer.alloc(600)
    const archive = archiveOf([{ header: header({ path: 'cut', size: 600 }), body }]).subarray(0, length)
    expect(failure(archive)).toMatchObject({
      code: 'archive-invalid',
      message: expect.stringContaining('truncated') as string,
    })
  })

  it('is refused when it ends after a PAX header', () => {
    const archive = archiveOf([{ header: header({ path: 'é' }) }])
    expect(failure(archive.subarray(0, 1024)).message).toContain('truncated')
  })

  it('is refused for a name longer than a path can be', () => {
    expect(failure(rawTar([{ name: 'x', pax: { path: 'a/'.repeat(2100) } }])).message).toContain('longer than 4096')
    expect(failure(rawTar([{ name: 'l', flag: 'L', data: 'a'.repeat(5000) }])).code).toBe('archive-invalid')
  })

  it('is refused for a PAX header of gigabytes', () => {
    expect(failure(rawTar([{ name: 'p', flag: 'x', claim: 2 ** 32 }])).code).toBe('archive-invalid')
  })

  it.each(['5 a=b\n', '99 a=b\n', 'x a=b\n', '6 =ab\n', '0 \n', '07 a=bc\n'])(
    'is refused for the PAX record %j',
    (data) => {
      expect(failure(rawTar([{ name: 'p', flag: 'x', data }, { name: 'f' }])).message).toContain('PAX')
    },
  )

  it('is refused for more entries than allowed', () => {
    const many = Array.from({ length: 51 }, (_, i) => ({ name: `f${i}` }))
    expect(failure(rawTar(many)).message).toContain('more than 50')
  })

  it('is refused for a hard link out of it', () => {
    expect(failure(rawTar([{ name: 'h', flag: '1', link: '../etc/shadow' }])).message).toContain('hard link')
  })

  it('is refused for types that nobody can unpack', () => {
    expect(failure(rawTar([{ name: 'vol', flag: 'M' }]))).toMatchObject({ code: 'archive-unsupported' })
  })

  it('is refused for a sparse file of a terabyte', () => {
    const pax = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': String(2 ** 40) }
    const data = Buffer.concat([Buffer.from('1\n0\n5\n'), Buffer.alloc(506), Buffer.from('hello')])
    expect(failure(rawTar([{ name: 'huge', pax, data }])).message).toMatch(/"huge".*too large/)
    const old = { 'GNU.sparse.size': String(2 ** 40), 'GNU.sparse.map': '0,5' }
    expect(failure(rawTar([{ name: 'huge', pax: old, data: 'hello' }])).message).toMatch(/"huge".*too large/)
  })

  it.each(['0,9', '5,5,0,0', '0,4,2,1', '0', '99,5'])('is refused for the sparse map %s', (map) => {
    const pax = { 'GNU.sparse.size': '20', 'GNU.sparse.map': map }
    expect(failure(rawTar([{ name: 's', pax, data: 'hello' }])).message).toContain('map')
  })

  it('keeps its entries inside: absolute and climbing names are made relative', () => {
    const archive = rawTar([{ name: '/abs' }, { name: '../../up' }, { name: 'a/../../b' }])
    expect(parse(archive).map((e) => e.header.path)).toEqual(['abs', 'up', 'b'])
  })

  it('has no body in a link or folder, whatever size they claim', () => {
    const archive = rawTar([
      { name: 'd/', flag: '5', claim: 512 },
      { name: 'f', data: 'x' },
    ])
    expect(parse(archive).map((e) => [e.header.path, e.header.type, e.body.toString()])).toEqual([
      ['d', 'dir', ''],
      ['f', 'file', 'x'],
    ])
  })
})

describe('unusual but honest archives', () => {
  it('expands sparse files', () => {
    const pax = { 'GNU.sparse.size': '12', 'GNU.sparse.map': '2,2,6,3', 'GNU.sparse.name': 'real' }
    const [entry] = parse(rawTar([{ name: 'GNUSparseFile.0/real', pax, data: 'abcde' }]), 3)
    expect(entry).toMatchObject({ header: { path: 'real', size: 12 }, offset: undefined })
    expect(entry?.body.toString('latin1')).toBe('\0\0ab\0\0cde\0\0\0')
  })

  it('reads old v7 folders, whose names end in a slash', () => {
    expect(parse(rawTar([{ name: 'old/', flag: '\0' }]))[0]?.header).toMatchObject({ path: 'old', type: 'dir' })
  })

  it('takes the last of several PAX values, and the own field for an empty one', () => {
    const data = '9 path=a\n9 path=b\n9 mtime=\n'
    const read = parse(rawTar([{ name: 'p', flag: 'x', data }, { name: 'c' }]))
    expect(read[0]?.header).toMatchObject({ path: 'b', mtime: 0n })
  })

  it('leaves global PAX headers out', () => {
    expect(parse(rawTar([{ name: 'g', flag: 'g', data: '9 path=x\n' }, { name: 'own' }]))[0]?.header.path).toBe('own')
  })

  it('reads names of exactly 512 bytes by GNU long name', () => {
    const long = 'd/'.repeat(255) + 'x'
    const read = parse(rawTar([{ name: '././@LongLink', flag: 'L', data: `${long}\0` }, { name: 'short' }]), 100)
    expect(read[0]?.header.path).toBe(long)
  })
})
