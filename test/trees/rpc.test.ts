import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { WherryError } from '../../src/core/errors.ts'
import { type Caller, type Handler, createCaller, serve } from '../../src/trees/rpc.ts'

const never = new AbortController().signal

/** Both ends over two pipes. */
function connect(handlers: Record<string, Handler>): { caller: Caller; toServer: PassThrough; served: Promise<void> } {
  const toServer = new PassThrough()
  const toCaller = new PassThrough()
  const served = serve(toServer, toCaller, handlers).finally(() => toCaller.end())
  const caller = createCaller(toCaller, toServer, () => new WherryError('sandbox-failed', 'the other end is gone'))
  return { caller, toServer, served }
}

/** Waits until it is cancelled. */
const forever: Handler = (_params, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new WherryError('cancelled', 'cancelled')), { once: true })
  })

describe('calls', () => {
  it('are answered in any order, each with its own result', async () => {
    const later: (() => void)[] = []
    const { caller } = connect({
      wait: (params) => new Promise((resolve) => later.push(() => resolve(params))),
      now: (params) => Promise.resolve(params),
    })
    const slow = caller.call('wait', { n: 1 }, { signal: never })
    expect(await caller.call('now', { n: 2 }, { signal: never })).toEqual({ n: 2 })
    later[0]!()
    expect(await slow).toEqual({ n: 1 })
  })

  it('give their notes before their result', async () => {
    const { caller } = connect({
      talk: (_params, { note }) => {
        note('a\nb')
        note({ text: '\u2028é' })
        return Promise.resolve('end')
      },
    })
    const notes: unknown[] = []
    expect(await caller.call('talk', {}, { signal: never, onNote: (note) => notes.push(note) })).toBe('end')
    expect(notes).toEqual(['a\nb', { text: '\u2028é' }])
  })

  it('fail with the code, message and hint of the other end', async () => {
    const { caller } = connect({
      fail: () => Promise.reject(new WherryError('user-unknown', 'no such user', { hint: 'add it' })),
    })
    const failed = { code: 'user-unknown', message: 'no such user', hint: 'add it' }
    await expect(caller.call('fail', {}, { signal: never })).rejects.toMatchObject(failed)
    await expect(caller.call('nothing', {}, { signal: never })).rejects.toMatchObject({ code: 'internal' })
  })

  it('that are cancelled end when the other end has given up', async () => {
    const { caller } = connect({ forever })
    const abort = new AbortController()
    const call = caller.call('forever', {}, { signal: abort.signal })
    abort.abort()
    await expect(call).rejects.toMatchObject({ code: 'cancelled' })
    await expect(caller.call('forever', {}, { signal: abort.signal })).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('all fail when the other end is gone, those to come too', async () => {
    const { caller, toServer, served } = connect({ forever })
    const calls = [1, 2].map(() => caller.call('forever', {}, { signal: never }))
    const failures = Promise.allSettled(calls)
    toServer.end()
    await served
    // What was under way is told of first: it was cancelled, or its end is gone.
    for (const { status } of await failures) expect(status).toBe('rejected')
    await expect(caller.call('forever', {}, { signal: never })).rejects.toMatchObject({
      message: 'the other end is gone',
    })
  })
})
