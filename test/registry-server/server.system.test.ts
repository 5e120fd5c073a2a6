/** The embedded registry over plain HTTP: what the distribution specification asks of each endpoint. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import { descriptorJson, documentOf } from '../../src/oci/image.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { type TestRegistry, blobOf, imageOf, startEmbeddedRegistry } from '../support/registries.ts'

let registry: TestRegistry
beforeAll(async () => {
  registry = await startEmbeddedRegistry()
})
afterAll(() => registry.stop())

type Init = NonNullable<Parameters<typeof fetch>[1]>

const ask = (method: string, path: string, init: Init = {}): Promise<Response> =>
  fetch(new URL(path, `http://${registry.address}`), { method, redirect: 'manual', ...init })

const codeOf = async (response: Response): Promise<string> => {
  const body = (await response.json()) as { errors: { code: string }[] }
  return body.errors[0]!.code
}

const begin = async (name: string): Promise<string> => {
  const response = await ask('POST', `/v2/${name}/blobs/uploads/`)
  expect(response.status).toBe(202)
  return response.headers.get('location')!
}

const patch = (location: string, bytes: Buffer, range?: string): Promise<Response> =>
  ask('PATCH', location, {
    body: new Uint8Array(bytes),
    headers: { 'content-type': 'application/octet-stream', ...(range === undefined ? {} : { 'content-range': range }) },
  })

const pushBlob = async (name: string, bytes: Buffer): Promise<string> => {
  const digest = digestOf(bytes)
  const response = await ask('POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: new Uint8Array(bytes) })
  expect(response.status).toBe(201)
  return digest
}

const putManifest = (name: string, reference: string, bytes: Buffer, type: string): Promise<Response> =>
  ask('PUT', `/v2/${name}/manifests/${reference}`, { body: new Uint8Array(bytes), headers: { 'content-type': type } })

const pushImage = async (name: string, tag: string): Promise<ReturnType<typeof imageOf>['manifest']> => {
  const layer = blobOf(100)
  const { config, manifest } = imageOf([layer.descriptor])
  await pushBlob(name, layer.bytes)
  await pushBlob(name, config.bytes)
  const response = await putManifest(name, tag, manifest.bytes, manifest.descriptor.mediaType)
  expect(response.status).toBe(201)
  expect(response.headers.get('docker-content-digest')).toBe(manifest.descriptor.digest)
  expect(response.headers.get('location')).toBe(`/v2/${name}/manifests/${manifest.descriptor.digest}`)
  return manifest
}

describe('support', () => {
  test('/v2/ answers 200 with the version header', async () => {
    const response = await ask('GET', '/v2/')
    expect(response.status).toBe(200)
    expect(response.headers.get('docker-distribution-api-version')).toBe('registry/2.0')
    expect((await ask('GET', '/v2')).status).toBe(200)
  })

  test('unknown paths and methods are refused', async () => {
    expect((await ask('GET', '/')).status).toBe(404)
    expect((await ask('GET', '/v1/search')).status).toBe(404)
    expect((await ask('DELETE', '/v2/')).status).toBe(405)
  })

  test.each([
    '/v2/Upper/manifests/v1',
    '/v2/a..b/manifests/v1',
    '/v2/x%2f..%2f..%2fetc/manifests/v1',
    '/v2/a//b/manifests/v1',
    '/v2/_tags/manifests/v1',
    '/v2/a/_manifests/manifests/v1',
    `/v2/${'a'.repeat(256)}/manifests/v1`,
    '/v2/a%00b/manifests/v1',
    '/v2/%E0%A4%A/manifests/v1',
  ])('the name in %s is refused', async (path) => {
    const response = await ask('GET', path)
    expect(response.status).toBe(400)
    expect(await codeOf(response)).toBe('NAME_INVALID')
  })

  test.each([
    '/v2/a/manifests/.hidden',
    '/v2/a/manifests/-x',
    `/v2/a/manifests/${'t'.repeat(129)}`,
    '/v2/a/blobs/sha256:zz',
  ])('the reference in %s is refused', async (path) => {
    expect((await ask('GET', path)).status).toBe(400)
  })

  test('a reference that is an encoded path is refused', async () => {
    expect((await ask('GET', '/v2/a/manifests/..%2f..%2fetc')).status).toBeGreaterThanOrEqual(400)
  })
})

describe('blobs', () => {
  test('HEAD and GET tell size and digest; a missing one is 404', async () => {
    const digest = await pushBlob('blobs', Buffer.from('hello'))
    const head = await ask('HEAD', `/v2/blobs/blobs/${digest}`)
    expect(head.status).toBe(200)
    expect(head.headers.get('content-length')).toBe('5')
    expect(head.headers.get('docker-content-digest')).toBe(digest)
    expect(await (await ask('GET', `/v2/blobs/blobs/${digest}`)).text()).toBe('hello')
    const missing = await ask('GET', `/v2/blobs/blobs/${digestOf('other')}`)
    expect(missing.status).toBe(404)
    expect(await codeOf(missing)).toBe('BLOB_UNKNOWN')
  })

  test('a blob of one repository is not in another', async () => {
    const digest = await pushBlob('mine', Buffer.from('private'))
    expect((await ask('HEAD', `/v2/yours/blobs/${digest}`)).status).toBe(404)
  })

  test.each([
    ['bytes=0-1', 206, 'he', 'bytes 0-1/5'],
    ['bytes=2-', 206, 'llo', 'bytes 2-4/5'],
    ['bytes=-2', 206, 'lo', 'bytes 3-4/5'],
    ['bytes=1-99', 206, 'ello', 'bytes 1-4/5'],
    ['bytes=0-1,3-4', 200, 'hello', null],
  ])('the range %s is answered by %d', async (range, status, text, contentRange) => {
    const digest = await pushBlob('ranges', Buffer.from('hello'))
    const response = await ask('GET', `/v2/ranges/blobs/${digest}`, { headers: { range } })
    expect(response.status).toBe(status)
    expect(await response.text()).toBe(text)
    expect(response.headers.get('content-range')).toBe(contentRange)
  })

  test('a range behind the end is 416', async () => {
    const digest = await pushBlob('ranges', Buffer.from('hello'))
    const response = await ask('GET', `/v2/ranges/blobs/${digest}`, { headers: { range: 'bytes=5-' } })
    expect(response.status).toBe(416)
    expect(response.headers.get('content-range')).toBe('bytes */5')
  })

  test('DELETE makes the repository forget it', async () => {
    const digest = await pushBlob('deleted', Buffer.from('bye'))
    expect((await ask('DELETE', `/v2/deleted/blobs/${digest}`)).status).toBe(202)
    expect((await ask('HEAD', `/v2/deleted/blobs/${digest}`)).status).toBe(404)
    expect((await ask('DELETE', `/v2/deleted/blobs/${digest}`)).status).toBe(404)
  })
})

describe('uploads', () => {
  const bytes = Buffer.from('0123456789')

  test('POST then PUT of the whole', async () => {
    const location = await begin('uploads')
    const put = await ask('PUT', `${location}?digest=${digestOf(bytes)}`, { body: new Uint8Array(bytes) })
    expect(put.status).toBe(201)
    expect(put.headers.get('location')).toBe(`/v2/uploads/blobs/${digestOf(bytes)}`)
  })

  test('chunks in order, with the position told after each', async () => {
    const location = await begin('chunks')
    const first = await patch(location, bytes.subarray(0, 4), '0-3')
    expect(first.status).toBe(202)
    expect(first.headers.get('range')).toBe('0-3')
    const second = await patch(first.headers.get('location')!, bytes.subarray(4), '4-9')
    expect(second.headers.get('range')).toBe('0-9')
    const status = await ask('GET', location)
    expect([status.status, status.headers.get('range')]).toEqual([204, '0-9'])
    expect((await ask('PUT', `${location}?digest=${digestOf(bytes)}`)).status).toBe(201)
    expect(await (await ask('GET', `/v2/chunks/blobs/${digestOf(bytes)}`)).text()).toBe('0123456789')
  })

  test('a last chunk in the PUT', async () => {
    const location = await begin('chunks')
    await patch(location, bytes.subarray(0, 4))
    const put = await ask('PUT', `${location}?digest=${digestOf(bytes)}`, { body: new Uint8Array(bytes.subarray(4)) })
    expect(put.status).toBe(201)
  })

  test('a chunk out of order is 416 with the position', async () => {
    const location = await begin('disorder')
    await patch(location, bytes.subarray(0, 4), '0-3')
    const response = await patch(location, bytes.subarray(6), '6-9')
    expect(response.status).toBe(416)
    expect(response.headers.get('range')).toBe('0-3')
    expect((await patch(location, bytes.subarray(4), '4-9')).status).toBe(202)
  })

  test('a chunk of another length than its range is refused', async () => {
    const location = await begin('length')
    expect((await patch(location, bytes, '0-3')).status).toBe(400)
  })

  test('a wrong digest is refused and the upload gone', async () => {
    const location = await begin('wrong')
    const put = await ask('PUT', `${location}?digest=${digestOf('other')}`, { body: new Uint8Array(bytes) })
    expect([put.status, await codeOf(put)]).toEqual([400, 'DIGEST_INVALID'])
    expect((await ask('GET', location)).status).toBe(404)
  })

  test('DELETE gives it up', async () => {
    const location = await begin('given-up')
    expect((await ask('DELETE', location)).status).toBe(204)
    expect(await codeOf(await ask('GET', location))).toBe('BLOB_UPLOAD_UNKNOWN')
  })

  test('an upload of one repository is not found in another', async () => {
    const location = await begin('one')
    expect((await ask('GET', location.replace('/one/', '/two/'))).status).toBe(404)
  })

  test('a mount makes the blob appear; without it an upload begins', async () => {
    const digest = await pushBlob('from', bytes)
    const mounted = await ask('POST', `/v2/to/blobs/uploads/?mount=${digest}&from=from`)
    expect([mounted.status, mounted.headers.get('location')]).toEqual([201, `/v2/to/blobs/${digest}`])
    expect((await ask('HEAD', `/v2/to/blobs/${digest}`)).status).toBe(200)
    const missing = await ask('POST', `/v2/to/blobs/uploads/?mount=${digestOf('none')}&from=from`)
    expect(missing.status).toBe(202)
    expect((await ask('POST', `/v2/to/blobs/uploads/?mount=${digest}`)).status).toBe(202)
  })
})

describe('manifests', () => {
  test('come back by tag and digest with their type', async () => {
    const manifest = await pushImage('images', 'v1')
    for (const reference of ['v1', manifest.descriptor.digest]) {
      const response = await ask('GET', `/v2/images/manifests/${reference}`)
      expect(response.headers.get('content-type')).toBe(mediaTypes.ociManifest)
      expect(Buffer.from(await response.arrayBuffer()).equals(manifest.bytes)).toBe(true)
    }
    const head = await ask('HEAD', '/v2/images/manifests/v1')
    expect(head.headers.get('content-length')).toBe(String(manifest.bytes.length))
  })

  test('a missing one is told from a missing repository', async () => {
    await pushImage('images', 'v1')
    expect(await codeOf(await ask('GET', '/v2/images/manifests/none'))).toBe('MANIFEST_UNKNOWN')
    expect(await codeOf(await ask('GET', '/v2/no-images/manifests/none'))).toBe('NAME_UNKNOWN')
  })

  test('what is no manifest, has another type or another digest is refused', async () => {
    const manifest = await pushImage('checked', 'v1')
    const type = manifest.descriptor.mediaType
    expect((await putManifest('checked', 'v2', Buffer.from('{'), type)).status).toBe(400)
    expect((await putManifest('checked', 'v2', Buffer.from('{}'), type)).status).toBe(400)
    expect((await putManifest('checked', 'v2', manifest.bytes, mediaTypes.ociIndex)).status).toBe(400)
    expect((await putManifest('checked', digestOf('other'), manifest.bytes, type)).status).toBe(400)
  })

  test('whose blobs or children are missing are refused', async () => {
    const manifest = await pushImage('complete', 'v1')
    const type = manifest.descriptor.mediaType
    expect(await codeOf(await putManifest('incomplete', 'v1', manifest.bytes, type))).toBe('MANIFEST_BLOB_UNKNOWN')
    const index = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaTypes.ociIndex,
        manifests: [descriptorJson(manifest.descriptor)],
      }),
    )
    expect((await putManifest('complete', 'all', index, mediaTypes.ociIndex)).status).toBe(201)
    expect((await putManifest('incomplete', 'all', index, mediaTypes.ociIndex)).status).toBe(400)
  })

  test('of more than four mebibytes are refused', async () => {
    const response = await putManifest('large', 'v1', Buffer.alloc(4 * 1024 * 1024 + 1, ' '), mediaTypes.ociManifest)
    expect(response.status).toBe(413)
  })

  test('DELETE of a tag leaves the manifest; of the manifest takes its tags', async () => {
    const manifest = await pushImage('removed', 'v1')
    await putManifest('removed', 'v2', manifest.bytes, manifest.descriptor.mediaType)
    expect((await ask('DELETE', '/v2/removed/manifests/v1')).status).toBe(202)
    expect((await ask('HEAD', '/v2/removed/manifests/v1')).status).toBe(404)
    expect((await ask('HEAD', '/v2/removed/manifests/v2')).status).toBe(200)
    expect((await ask('DELETE', `/v2/removed/manifests/${manifest.descriptor.digest}`)).status).toBe(202)
    expect((await ask('HEAD', '/v2/removed/manifests/v2')).status).toBe(404)
  })

  test('moving a tag leaves the old manifest by digest', async () => {
    const old = await pushImage('moved', 'latest')
    const now = await pushImage('moved', 'latest')
    const head = await ask('HEAD', '/v2/moved/manifests/latest')
    expect(head.headers.get('docker-content-digest')).toBe(now.descriptor.digest)
    expect((await ask('HEAD', `/v2/moved/manifests/${old.descriptor.digest}`)).status).toBe(200)
  })
})

describe('lists', () => {
  test('tags are sorted and come in pages', async () => {
    for (const tag of ['c', 'a', 'b', 'B']) await pushImage('listed', tag)
    const tagsAt = async (path: string): Promise<unknown> => (await ask('GET', path)).json()
    expect(await tagsAt('/v2/listed/tags/list')).toEqual({ name: 'listed', tags: ['B', 'a', 'b', 'c'] })
    const first = await ask('GET', '/v2/listed/tags/list?n=2')
    expect(await first.json()).toEqual({ name: 'listed', tags: ['B', 'a'] })
    expect(first.headers.get('link')).toBe('</v2/listed/tags/list?n=2&last=a>; rel="next"')
    expect(await tagsAt('/v2/listed/tags/list?n=2&last=a')).toEqual({ name: 'listed', tags: ['b', 'c'] })
    expect(await tagsAt('/v2/listed/tags/list?n=0')).toEqual({ name: 'listed', tags: [] })
    expect((await ask('GET', '/v2/listed/tags/list?n=x')).status).toBe(400)
    expect((await ask('GET', '/v2/not-listed/tags/list')).status).toBe(404)
  })

  test('the catalog has every repository with a manifest, nested ones too', async () => {
    await pushImage('cat', 'v1')
    await pushImage('cat/nested/deep', 'v1')
    const { repositories } = (await (await ask('GET', '/v2/_catalog')).json()) as { repositories: string[] }
    expect(repositories).toContain('cat')
    expect(repositories).toContain('cat/nested/deep')
    expect(repositories).toEqual([...repositories].sort())
  })

  test('referrers are listed by subject and filtered by type', async () => {
    const image = await pushImage('signed', 'v1')
    const empty = Buffer.from('{}')
    await pushBlob('signed', empty)
    const emptyDescriptor = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(empty), size: 2 }
    const signature = documentOf(
      mediaTypes.ociManifest,
      Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: mediaTypes.ociManifest,
          artifactType: 'application/example',
          config: emptyDescriptor,
          layers: [emptyDescriptor],
          subject: descriptorJson(image.descriptor),
          annotations: { note: 'n' },
        }),
      ),
    )
    const { digest } = signature.descriptor
    const put = await putManifest('signed', digest, signature.bytes, mediaTypes.ociManifest)
    expect(put.headers.get('oci-subject')).toBe(image.descriptor.digest)
    const list = async (query: string): Promise<unknown[]> => {
      const response = await ask('GET', `/v2/signed/referrers/${image.descriptor.digest}${query}`)
      expect(response.headers.get('content-type')).toBe(mediaTypes.ociIndex)
      return ((await response.json()) as { manifests: unknown[] }).manifests
    }
    const expected = {
      mediaType: mediaTypes.ociManifest,
      digest,
      size: signature.bytes.length,
      artifactType: 'application/example',
      annotations: { note: 'n' },
    }
    expect(await list('')).toEqual([expected])
    expect(await list('?artifactType=application/example')).toEqual([expected])
    expect(await list('?artifactType=other')).toEqual([])
    await ask('DELETE', `/v2/signed/manifests/${digest}`)
    expect(await list('')).toEqual([])
  })
})

test('nothing of the above was an internal error', () => {
  expect(registry.failures).toEqual([])
})
