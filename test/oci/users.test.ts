/** USER and --chown by an image's own files. */
import { describe, expect, it } from 'vitest'
import { isNumericOwner, resolveOwner, resolveUser } from '../../src/oci/users.ts'

const files = {
  passwd: `root:x:0:0:root:/root:/bin/sh
# a comment
broken
bad:x:notanumber:5::/nowhere:/bin/sh
app:x:1000:1001:App:/home/app:/bin/sh
twin:x:1000:2000::/twin:
nohome:x:7:7:::
`,
  group: `root:x:0:root
app:x:1001:
video:x:44:app,other
audio:x:29:other,app
short:x
`,
}

describe('USER', () => {
  it.each([
    ['', { uid: 0, gid: 0, supplementaryGids: [0], home: '/root' }],
    ['root', { uid: 0, gid: 0, supplementaryGids: [0], home: '/root' }],
    ['app', { uid: 1000, gid: 1001, supplementaryGids: [44, 29], home: '/home/app' }],
    ['1000', { uid: 1000, gid: 1001, supplementaryGids: [44, 29], home: '/home/app' }],
    ['app:video', { uid: 1000, gid: 44, supplementaryGids: [], home: '/home/app' }],
    ['app:77', { uid: 1000, gid: 77, supplementaryGids: [], home: '/home/app' }],
    ['4242', { uid: 4242, gid: 0, supplementaryGids: [], home: '/' }],
    ['4242:4243', { uid: 4242, gid: 4243, supplementaryGids: [], home: '/' }],
    ['nohome', { uid: 7, gid: 7, supplementaryGids: [], home: '/' }],
  ])('"%s" is found', (spec, user) => expect(resolveUser(spec, files)).toEqual(user))

  it.each(['ghost', 'ghost:0', 'app:ghosts', 'bad', 'broken', '99999999999'])('"%s" is an error', (spec) => {
    expect(() => resolveUser(spec, files)).toThrow(expect.objectContaining({ code: 'user-unknown' }) as Error)
  })

  it('is root or a number where there are no files', () => {
    expect(resolveUser('', {})).toEqual({ uid: 0, gid: 0, supplementaryGids: [], home: '/' })
    expect(resolveUser('5:6', {})).toMatchObject({ uid: 5, gid: 6 })
    expect(() => resolveUser('app', {})).toThrow(/not in the image's \/etc\/passwd/)
  })
})

describe('--chown', () => {
  it.each([
    ['55', { uid: 55, gid: 55 }],
    ['1000', { uid: 1000, gid: 1000 }],
    ['app', { uid: 1000, gid: 1001 }],
    ['app:video', { uid: 1000, gid: 44 }],
    ['55:video', { uid: 55, gid: 44 }],
    ['app:9', { uid: 1000, gid: 9 }],
    ['0:0', { uid: 0, gid: 0 }],
    [':video', { uid: 0, gid: 44 }],
  ])('"%s" is found', (spec, owner) => expect(resolveOwner(spec, files)).toEqual(owner))

  it.each(['ghost', 'app:ghosts', 'ghost:1'])('"%s" is an error', (spec) => {
    expect(() => resolveOwner(spec, files)).toThrow(expect.objectContaining({ code: 'user-unknown' }) as Error)
  })

  it('needs no files for numbers', () => {
    expect([isNumericOwner('1:2'), isNumericOwner('1'), isNumericOwner('a:2'), isNumericOwner('1:b')]).toEqual([
      true,
      true,
      false,
      false,
    ])
    expect(resolveOwner('1:2', {})).toEqual({ uid: 1, gid: 2 })
  })
})
