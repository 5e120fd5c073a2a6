/** Blobs whose transfer breaks: downloads that go on, uploads that are resumed or begun anew. */
import { describe, expect, test } from 'vitest'
import { quietScope } from '../../src/core/scope.ts'
import { asks, hangUp, respond, startFaultProxy } from '../support/fault-proxy.ts'
import { useFaultyRegistry } from '../support/faulty-registry.ts'
import { blobOf, readAll } from '../support/registries.ts'

const scope = quietScope()
const registry = useFaultyRegistry()

describe('blobs', () => {
  test('a cut download goes on where it ended', async () => {
    const blob = blobOf(4_000_000)
    await registry.direct.pushBlob(registry.behind('cut'), blob, scope)
    const ranges: (string | undefined)[] = []
    registry.proxy.faults.push({
      when: asks('GET', /blobs/),
      times: 2,
      act: (request) => {
        ranges.push(request.headers.range)
        return { cutDownloadAfter: 1_000_000 }
      },
    })
    const read = await readAll(await registry.clientWith().blob(registry.at('cut'), blob.descriptor, scope))
    expect(read.equals(blob.bytes)).toBe(true)
    expect(ranges[1]).toMatch(/^bytes=\d{5,}-$/)
  })

  test('a server that ignores the range is read again from the start', async () => {
    const blob = blobOf(1_000_000)
    await registry.direct.pushBlob(registry.behind('cut'), blob, scope)
    registry.proxy.faults.push({ when: asks('GET', /blobs/), times: 1, act: () => ({ cutDownloadAfter: 500_000 }) })
    registry.proxy.faults.push({
      when: asks('GET', /blobs/),
      times: 1,
      act: (_request, response) => {
        response.writeHead(200, { 'content-length': blob.bytes.length })
        response.end(blob.bytes)
        return undefined
      },
    })
    const read = await readAll(await registry.clientWith().blob(registry.at('cut'), blob.descriptor, scope))
    expect(read.equals(blob.bytes)).toBe(true)
  })

  test('a blob with other bytes than its digest says fails at its end', async () => {
    const blob = blobOf(100_000)
    await registry.direct.pushBlob(registry.behind('damaged'), blob, scope)
    registry.proxy.faults.push({
      when: asks('GET', /blobs/),
      times: 1,
      act: () => ({ body: (chunk) => Buffer.from(chunk.map((byte) => byte ^ 1)) }),
    })
    const reading = registry.clientWith().blob(registry.at('damaged'), blob.descriptor, scope)
    await expect(reading.then(readAll)).rejects.toMatchObject({ code: 'digest-mismatch' })
  })

  test('a blob that goes on after its size fails', async () => {
    const blob = blobOf(100_000)
    registry.proxy.faults.push({ when: asks('GET', /blobs/), times: 1, act: respond(200, {}, 'x'.repeat(100_001)) })
    const reading = registry.clientWith().blob(registry.at('long'), blob.descriptor, scope)
    await expect(reading.then(readAll)).rejects.toMatchObject({ code: 'digest-mismatch' })
  })

  test('a stream that is given up unread gives its connection back', async () => {
    const blob = blobOf(8_000_000)
    await registry.direct.pushBlob(registry.behind('unread'), blob, scope)
    let isClosed = false
    registry.proxy.faults.push({
      when: asks('GET', /blobs/),
      times: 1,
      act: (request) => {
        request.socket.once('close', () => (isClosed = true))
        return {}
      },
    })
    const stream = await registry.clientWith().blob(registry.at('unread'), blob.descriptor, scope)
    stream.destroy()
    await expect.poll(() => isClosed).toBe(true)
  })

  test('a blob that always ends early fails in the end', async () => {
    const blob = blobOf(100_000)
    registry.proxy.faults.push({ when: asks('GET', /blobs/), times: 99, act: respond(200, {}, 'short') })
    const reading = registry.clientWith().blob(registry.at('short'), blob.descriptor, scope)
    await expect(reading.then(readAll)).rejects.toMatchObject({ code: 'network' })
  })
})

describe('uploads', () => {
  const arrives = async (repository: string, blob: ReturnType<typeof blobOf>): Promise<void> => {
    const read = await readAll(await registry.direct.blob(registry.behind(repository), blob.descriptor, scope))
    expect(read.equals(blob.bytes)).toBe(true)
  }

  test('a cut upload goes on where the registry stands', async () => {
    const blob = blobOf(6_000_000)
    registry.proxy.faults.push({ when: asks('PATCH', /uploads/), times: 1, act: () => ({ cutUploadAfter: 3_000_000 }) })
    expect(await registry.clientWith().pushBlob(registry.at('resumed'), blob, scope)).toBe('pushed')
    await arrives('resumed', blob)
    expect(registry.lines(/^POST/)).toHaveLength(1)
    expect(registry.lines(/^PATCH/)).toHaveLength(2)
    expect(blob.opened).toBe(2)
  })

  test('begins anew if the registry has lost the session', async () => {
    const blob = blobOf(3_000_000)
    registry.proxy.faults.push({ when: asks('PATCH', /uploads/), times: 1, act: () => ({ cutUploadAfter: 1_500_000 }) })
    registry.proxy.faults.push({ when: asks('GET', /uploads/), times: 1, act: respond(404) })
    expect(await registry.clientWith().pushBlob(registry.at('anew'), blob, scope)).toBe('pushed')
    await arrives('anew', blob)
    expect(registry.lines(/^POST/)).toHaveLength(2)
  })

  test('that is cut more often than there are tries ends well, if each try came further', async () => {
    const blob = blobOf(8_000_000)
    registry.proxy.faults.push({ when: asks('PATCH', /uploads/), times: 6, act: () => ({ cutUploadAfter: 1_200_000 }) })
    expect(await registry.clientWith().pushBlob(registry.at('stepwise'), blob, scope)).toBe('pushed')
    await arrives('stepwise', blob)
    expect(registry.lines(/^POST/)).toHaveLength(1)
    expect(registry.lines(/^PATCH/)).toHaveLength(7)
  })

  test('whose session cannot be asked about for a moment goes on all the same', async () => {
    const blob = blobOf(3_000_000)
    registry.proxy.faults.push({ when: asks('PATCH', /uploads/), times: 1, act: () => ({ cutUploadAfter: 1_500_000 }) })
    registry.proxy.faults.push({ when: asks('GET', /uploads/), times: 2, act: hangUp })
    expect(await registry.clientWith().pushBlob(registry.at('moment'), blob, scope)).toBe('pushed')
    await arrives('moment', blob)
    expect(registry.lines(/^POST/)).toHaveLength(1)
  })

  test('that are always cut end with an error that names all of it', async () => {
    const blob = blobOf(3_000_000)
    registry.proxy.faults.push({ when: asks('PATCH', /uploads/), times: 99, act: hangUp })
    const begin = Date.now()
    await expect(registry.clientWith().pushBlob(registry.at('team/never'), blob, scope)).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining(
        `uploading the blob ${blob.descriptor.digest} of ${registry.proxy.address}/team/never failed: `,
      ) as string,
    })
    expect(Date.now() - begin).toBeLessThan(10_000)
  })

  test('whose last answer is lost is found to be there', async () => {
    const blob = blobOf(3_000_000)
    registry.proxy.faults.push({ when: asks('PUT', /uploads/), times: 1, act: () => ({ cutDownloadAfter: 0 }) })
    expect(await registry.clientWith().pushBlob(registry.at('lost'), blob, scope)).toBe('pushed')
    await arrives('lost', blob)
    expect(registry.lines(/^PATCH/)).toHaveLength(1)
  })

  test.each([
    ['PATCH', 503, ''],
    ['PATCH', 416, ''],
    ['PUT', 500, ''],
    ['PUT', 400, '{"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"odd"}]}'],
    ['POST', 429, ''],
  ])('a %s answered by %d is tried again', async (method, status, words) => {
    const blob = blobOf(2_000_000)
    registry.proxy.faults.push({ when: asks(method, /uploads/), times: 1, act: respond(status, {}, words) })
    expect(await registry.clientWith().pushBlob(registry.at('again'), blob, scope)).toBe('pushed')
    await arrives('again', blob)
  })

  test('a refusal is told in the registry’s words', async () => {
    const words = '{"errors":[{"code":"NAME_UNKNOWN","message":"The repository with name \'x\' does not exist"}]}'
    registry.proxy.faults.push({ when: asks('POST', /uploads/), times: 1, act: respond(404, {}, words) })
    await expect(registry.clientWith().pushBlob(registry.at('x'), blobOf(10), scope)).rejects.toMatchObject({
      message: expect.stringContaining('does not exist') as string,
      hint: expect.stringContaining('Create the repository first') as string,
    })
  })

  test('a mount that the registry refuses becomes an upload', async () => {
    const blob = { ...blobOf(1000), mountFrom: ['secret'] }
    registry.proxy.faults.push({ when: asks('POST', /mount=/), times: 1, act: respond(403) })
    expect(await registry.clientWith().pushBlob(registry.at('unmounted'), blob, scope)).toBe('pushed')
  })

  test('keep the query of a Location and append the digest', async () => {
    registry.proxy.faults.push({
      when: asks('POST', /uploads/),
      times: 1,
      act: () => ({
        headers: (headers) => (headers['location'] = `${String(headers['location'])}?_state=a%2Fb%3D%3D`),
      }),
    })
    await registry.clientWith().pushBlob(registry.at('query'), blobOf(1000), scope)
    expect(registry.lines(/^PUT/)[0]).toMatch(/\?_state=a%2Fb%3D%3D&digest=sha256%3A[0-9a-f]{64}$/)
  })

  test('sent to another host carry no credentials', async () => {
    const other = await startFaultProxy(registry.upstream.address)
    try {
      registry.proxy.auth = { kind: 'basic', username: 'u', password: 'p' }
      registry.proxy.faults.push({
        when: asks('POST', /uploads/),
        times: 1,
        act: () => ({
          headers: (headers) => (headers['location'] = `http://${other.address}${String(headers['location'])}`),
        }),
      })
      const blob = blobOf(2_000_000)
      expect(
        await registry.clientWith({ username: 'u', password: 'p' }).pushBlob(registry.at('moved'), blob, scope),
      ).toBe('pushed')
      const there = other.seen.filter((s) => /^(PATCH|PUT)/.test(s.line))
      expect(there.length).toBeGreaterThan(0)
      expect(there.every((s) => s.authorization === undefined)).toBe(true)
    } finally {
      await other.close()
    }
  })
})
