import { describe, expect, test } from 'vitest'
import { WherryError } from '../../src/core/errors.ts'
import { parseByteSize } from '../../src/dockerfile/byte-size.ts'
import { type MountSpec, parseRunMount } from '../../src/dockerfile/run-mount.ts'

const parsed = (text: string): MountSpec => parseRunMount(text, (value) => value.replaceAll('$V', 'value'))

function refusal(text: string): string {
  try {
    parsed(text)
  } catch (error) {
    if (error instanceof WherryError && error.code === 'dockerfile-syntax') return error.message
    throw error
  }
  throw new Error(`${text} was taken`)
}

const bind = { type: 'bind', from: '', source: '', target: '', readOnly: true, size: 0, id: '', required: false }
const cache = { ...bind, type: 'cache', readOnly: false }
const tmpfs = { ...bind, type: 'tmpfs', readOnly: false }
const secret = { ...bind, type: 'secret' }
const ssh = { ...bind, type: 'ssh' }

describe('a mount', () => {
  test.each<[string, object]>([
    ['target=/x', { ...bind, target: '/x' }],
    ['type=bind,target=/x', { ...bind, target: '/x' }],
    ['TYPE=BIND,Target=/x', { ...bind, target: '/x' }],
    ['dst=/x', { ...bind, target: '/x' }],
    ['destination=/x', { ...bind, target: '/x' }],
    ['target=/x,target=/y', { ...bind, target: '/y' }],
    ['src=a,target=/x', { ...bind, source: 'a', target: '/x' }],
    ['source=a=b,target=/x', { ...bind, source: 'a=b', target: '/x' }],
    ['"source=a,b",target=/x', { ...bind, source: 'a,b', target: '/x' }],
    ['source=$V,target=/$V', { ...bind, source: 'value', target: '/value' }],
    ['from=$V,target=/x', { ...bind, from: 'value', target: '/x' }],
    ['type=$Vx,type=bind,target=/x', {}],
    ['target=/x,rw', { ...bind, target: '/x', readOnly: false }],
    ['target=/x,readwrite', { ...bind, target: '/x', readOnly: false }],
    ['target=/x,rw=true', { ...bind, target: '/x', readOnly: false }],
    ['target=/x,rw=0', { ...bind, target: '/x' }],
    ['target=/x,ro=F', { ...bind, target: '/x', readOnly: false }],
    ['target=/x,rw,ro', { ...bind, target: '/x' }],
    ['type=cache,target=/x', { ...cache, target: '/x' }],
    ['type=cache,target=/x,ro', { ...cache, target: '/x', readOnly: true }],
    ['type=cache,target=/x,id=a,sharing=LOCKED', { ...cache, target: '/x', id: 'a', sharing: 'locked' }],
    ['sharing=private,type=cache,target=/x', { ...cache, target: '/x', sharing: 'private' }],
    [
      'type=cache,target=/x,mode=01777,uid=5,gid=4294967295',
      { ...cache, target: '/x', mode: 0o1777, uid: 5, gid: 0xffff_ffff },
    ],
    ['type=tmpfs,target=/x,size=1.5k', { ...tmpfs, target: '/x', size: 1536 }],
    ['type=tmpfs,target=/x,size=0', { ...tmpfs, target: '/x' }],
    ['type=secret,id=a', { ...secret, id: 'a' }],
    ['type=secret,source=a', { ...secret, source: 'a' }],
    ['type=secret,target=/a', { ...secret, target: '/a' }],
    ['type=secret,id=a,required', { ...secret, id: 'a', required: true }],
    ['type=secret,id=a,required=false', { ...secret, id: 'a' }],
    ['type=secret,id=a,env=A,mode=0444', { ...secret, id: 'a', env: 'A', mode: 0o444 }],
    ['type=ssh', ssh],
    ['type=ssh,id=a,required=1,uid=1,gid=2', { ...ssh, id: 'a', required: true, uid: 1, gid: 2 }],
    ['id=a,target=/x', { ...bind, id: 'a', target: '/x' }],
  ])('%s', (text, spec) => {
    if (Object.keys(spec).length === 0) expect(refusal(text)).toBe('unsupported mount type "valuex"')
    else expect(parsed(text)).toEqual(spec)
  })
})

describe('no mount', () => {
  test.each([
    ['type=bnd,target=/x', 'unsupported mount type "bnd" (did you mean bind?)'],
    ['type=volume,target=/x', 'unsupported mount type "volume"'],
    ['type,target=/x', "invalid field 'type' must be a key=value pair"],
    ['target', "invalid field 'target' must be a key=value pair"],
    ['', "invalid field '' must be a key=value pair"],
    ['/x', "invalid field '/x' must be a key=value pair"],
    ['tagret=/x', "unexpected key 'tagret' in 'tagret=/x' (did you mean target?)"],
    ['toString=1', expect.stringMatching(/^unexpected key 'tostring' in 'toString=1'/)],
    ['target=/x,ro=yes', 'invalid value for ro: yes'],
    ['target=/x,readwrite=', 'invalid value for readwrite: '],
    ['target=/x,required', "unexpected key 'required' for mount type 'bind'"],
    ['required,type=secret,id=a', "unexpected key 'required' for mount type 'bind'"],
    ['type=cache,target=/x,required=true', "unexpected key 'required' for mount type 'cache'"],
    ['type=secret,id=a,required=maybe', 'invalid value for required: maybe'],
    ['target=/x,size=1m', "unexpected key 'size' for mount type 'bind'"],
    ['size=1m,type=tmpfs,target=/x', "unexpected key 'size' for mount type 'bind'"],
    ['type=tmpfs,target=/x,size=many', 'invalid value for size: many'],
    ['type=cache,target=/x,sharing=lock', expect.stringMatching(/^unsupported sharing value "lock"/)],
    ['target=/x,sharing=shared', 'invalid cache sharing set for bind mount'],
    ['type=tmpfs,target=/x,sharing=shared', 'invalid cache sharing set for tmpfs mount'],
    ['type=ssh,sharing=shared', 'invalid cache sharing set for ssh mount'],
    ['target=/x,mode=0755', 'mode not allowed for "bind" type mounts'],
    ['target=/x,uid=1', 'uid not allowed for "bind" type mounts'],
    ['type=tmpfs,target=/x,gid=1', 'gid not allowed for "tmpfs" type mounts'],
    ['type=cache,target=/x,mode=888', 'invalid value 888 for mode'],
    ['type=cache,target=/x,mode=0o755', 'invalid value 0o755 for mode'],
    ['type=cache,target=/x,uid=-1', 'invalid value -1 for uid'],
    ['type=cache,target=/x,gid=4294967296', 'invalid value 4294967296 for gid'],
    ['type=cache,target=/x,uid=root', 'invalid value root for uid'],
    ['type=secret,id=a,from=b', 'secret mount should not have a from'],
    ['type=secret,id=a,sharing=shared', 'secret mount should not define sharing'],
    ['type=secret', 'invalid secret mount. one of source, target required'],
    ['type=secret,env=A', 'invalid secret mount. one of source, target required'],
    ['type=secret,id=a,source=b', "both source and id can't be set"],
    ['type=ssh,source=a', 'ssh does not support source'],
  ])('%s', (text, message) => {
    expect(refusal(text)).toEqual(message)
  })

  test('in bad quotes', () => {
    expect(() => parsed('"target=/x')).toThrow(WherryError)
  })
})

/** As Docker's go-units reads them (RAMInBytes). */
test.each([
  ['0', 0],
  ['32', 32],
  ['32b', 32],
  ['32k', 32 * 1024],
  ['32K', 32 * 1024],
  ['32kb', 32 * 1024],
  ['32KiB', 32 * 1024],
  ['32 m', 32 << 20],
  ['1.5g', 1.5 * 2 ** 30],
  ['.5k', 512],
  ['2t', 2 * 2 ** 40],
  ['1p', 2 ** 50],
  ['', undefined],
  ['k', undefined],
  ['-1', undefined],
  ['1x', undefined],
  ['1mm', undefined],
  ['1 2', undefined],
  ['1e3', 1000],
  ['5.', 5],
  ['1e300', undefined],
  ['32bb', undefined],
  ['32bib', undefined],
  ['.', undefined],
  ['0x10', undefined],
])('%s in bytes', (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes)
})
