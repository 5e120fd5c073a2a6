/** Worker threads: jobs end when they are cancelled, and the pool works on. */
import { closeSync, ftruncateSync, openSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/core/digest.ts'
import { quietScope } from '../../../src/core/scope.ts'
import { type Pool, createPool } from '../../../src/trees/worker/pool.ts'

describe('a pool of threads', () => {
  let dir: string
  let huge: string
  let small: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'wherry-pool-'))
    huge = join(dir, 'huge')
    small = join(dir, 'small')
    await writeFile(small, 'small')
    // Hashing a sparse file of 64 GiB takes a minute or so.
    const file = openSync(huge, 'w')
    ftruncateSync(file, 64 * 2 ** 30)
    closeSync(file)
  })
  afterAll(() => rm(dir, { recursive: true, force: true }))

  const hash = (pool: Pool, path: string, signal?: AbortSignal): Promise<string[]> =>
    pool.run('hash', { paths: [path] }, quietScope(signal))
  const smallHash = digestOf('small').slice('sha256:'.length)

  it('ends a job under way, gives its place to the next, and says cancelled', async () => {
    const pool = createPool(1)
    const stop = new AbortController()
    const long = hash(pool, huge, stop.signal)
    const next = hash(pool, small)
    setTimeout(() => stop.abort(), 200)
    const began = performance.now()
    await expect(long).rejects.toMatchObject({ code: 'cancelled' })
    expect(performance.now() - began).toBeLessThan(5000)
    expect(await next).toEqual([smallHash])
    expect(await hash(pool, small)).toEqual([smallHash])
    await pool.close()
  })

  it('takes a cancelled job out of the queue and leaves the one under way alone', async () => {
    const pool = createPool(1)
    const stop = new AbortController()
    const first = hash(pool, small)
    const waiting = hash(pool, huge, stop.signal)
    stop.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
    expect(await first).toEqual([smallHash])
    await pool.close()
  })

  it('starts nothing for a scope that has ended', async () => {
    const pool = createPool(1)
    await expect(hash(pool, small, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' })
    await pool.close()
  })

  it('ends every job when it is closed', async () => {
    const pool = createPool(2)
    const jobs = [hash(pool, huge), hash(pool, huge), hash(pool, huge)]
    const ended = Promise.all(jobs.map((job) => expect(job).rejects.toMatchObject({ code: 'cancelled' })))
    await pool.close()
    await ended
  })

  it('survives many cancellations at random moments', async () => {
    const pool = createPool(2)
    for (let round = 0; round < 12; round++) {
      const stop = new AbortController()
      const jobs = [hash(pool, small, stop.signal), hash(pool, huge, stop.signal), hash(pool, small)]
      setTimeout(() => stop.abort(), round * 7)
      const ended = await Promise.allSettled(jobs)
      expect(ended.slice(1)).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled', value: [smallHash] }])
    }
    await pool.close()
  })
})
