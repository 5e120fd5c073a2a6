/** Values of RUN --mount: what is read, and BuildKit's words for what is wrong. */
import { describe, expect, it } from 'vitest'
import { parseRunMount } from '../../src/dockerfile/run-mount.ts'

const read = (text: string) => parseRunMount(text, (value) => value.replaceAll('$X', 'cache'))

describe('a mount', () => {
  it.each<[string, object]>([
    ['target=/a', { type: 'bind', target: '/a', readOnly: true }],
    ['dst=/a,src=b,rw', { target: '/a', source: 'b', readOnly: false }],
    ['destination=/a,readwrite=false', { target: '/a', readOnly: true }],
    ['type=$X,target=/$X,id=$X', { type: 'cache', target: '/cache', id: 'cache', readOnly: false }],
    ['TYPE=Cache,target=/a,ro', { type: 'cache', readOnly: true }],
    ['type=cache,target=/a,sharing=Locked,mode=0750,uid=1,gid=2', { sharing: 'locked', mode: 0o750, uid: 1, gid: 2 }],
    ['type=tmpfs,target=/a,size=2m', { type: 'tmpfs', size: 2 << 20, readOnly: false }],
    ['type=secret,id=a,required,env=B', { type: 'secret', id: 'a', required: true, env: 'B' }],
    ['type=ssh,required=0', { type: 'ssh', required: false }],
    ['"target=/a,b",from=c', { target: '/a,b', from: 'c' }],
  ])('%s', (text, expected) => {
    expect(read(text)).toMatchObject(expected)
  })
})

describe('what is wrong', () => {
  it.each([
    ['type=bnd', 'unsupported mount type "bnd" (did you mean bind?)'],
    ['type=cache,sharing=lock', 'unsupported sharing value "lock" (did you mean locked?)'],
    ['tagret=/a', "unexpected key 'tagret' in 'tagret=/a' (did you mean target?)"],
    ['target', "invalid field 'target' must be a key=value pair"],
    ['target=/a,ro=maybe', 'invalid value for ro: maybe'],
    ['required,type=secret', "unexpected key 'required' for mount type 'bind'"],
    ['type=cache,size=1', "unexpected key 'size' for mount type 'cache'"],
    ['type=tmpfs,size=big', 'invalid value for size: big'],
    ['type=secret,id=a,mode=9', 'invalid value 9 for mode'],
    ['type=secret,id=a,uid=-1', 'invalid value -1 for uid'],
    ['target=/a,uid=1', 'uid not allowed for "bind" type mounts'],
    ['type=secret,id=a,from=b', 'secret mount should not have a from'],
    ['type=secret,id=a,sharing=shared', 'secret mount should not define sharing'],
    ['type=secret', 'invalid secret mount. one of source, target required'],
    ['type=secret,id=a,src=b', "both source and id can't be set"],
    ['type=tmpfs,sharing=shared', 'invalid cache sharing set for tmpfs mount'],
    ['type=ssh,src=a', 'ssh does not support source'],
  ])('%s', (text, message) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'dockerfile-syntax', message }))
  })
})
