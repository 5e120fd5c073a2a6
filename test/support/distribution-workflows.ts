/** The four workflows of the OCI distribution-spec (pull, push, content discovery, content management), each as a table of requests in order. */
import { digestOf } from '../../src/core/digest.ts'
import { descriptorJson } from '../../src/oci/image.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { blobOf, imageOf } from './registries.ts'

const name = 'conformance/of-all'
const layer = blobOf(Buffer.from('a layer that is read in two halves'))
const { manifest, config } = imageOf([layer.descriptor])
const half = layer.bytes.length / 2
const empty = blobOf(Buffer.from('{}'), 'application/vnd.oci.empty.v1+json')
const { manifest: noLayers } = imageOf([])
const never = digestOf('never pushed')
const subject = manifest.descriptor

/** A manifest that refers to a subject; its type is `artifactType`, or the config's without one. */
const referrer = (note: string, parts: Record<string, unknown>): Buffer =>
  Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: descriptorJson(empty.descriptor),
      layers: [descriptorJson(empty.descriptor)],
      subject: descriptorJson(subject),
      annotations: { note },
      ...parts,
    }),
  )
const bySelf = referrer('self', { artifactType: 'test/a' })
const byConfig = referrer('config', { config: { ...descriptorJson(empty.descriptor), mediaType: 'test/b' } })
const toNothing = referrer('nothing', {
  artifactType: 'test/a',
  subject: { mediaType: mediaTypes.ociManifest, digest: never, size: 5 },
})
const byIndex = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    artifactType: 'test/a',
    manifests: [],
    subject: descriptorJson(subject),
    annotations: { note: 'index' },
  }),
)
/** What a client leaves that knows no referrers API: a plain manifest, listed in an index under the fallback tag. */
const fallback = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [
      { ...descriptorJson(noLayers.descriptor), artifactType: 'test/c' },
      { mediaType: mediaTypes.ociManifest, digest: digestOf(bySelf), size: bySelf.length, artifactType: 'test/a' },
    ],
  }),
)

/** A request and what is expected of its answer. */
export interface Step {
  readonly title: string
  readonly ask: readonly [method: string, path: string]
  readonly body?: Buffer
  readonly headers?: Readonly<Record<string, string>>
  readonly status: number
  /** Headers that the answer must have; true for any value. */
  readonly answers?: Readonly<Record<string, string | true>>
  /** Code of the error, bytes, or what is made of the JSON. */
  readonly code?: string
  readonly bytes?: Buffer
  readonly json?: readonly [read: (value: never) => unknown, expected: unknown]
}

const octets = { 'content-type': 'application/octet-stream' }
const type = (mediaType: string): Record<string, string> => ({ 'content-type': mediaType })
const digestsOf = (index: { manifests: { digest: string }[] }): string[] => index.manifests.map((m) => m.digest).sort()
const tagsOf = (list: { tags: string[] }): string[] => list.tags
const whole = (bytes: Buffer, to = name): Step => ({
  title: `a blob of ${bytes.length} bytes in one POST`,
  ask: ['POST', `/v2/${to}/blobs/uploads/?digest=${digestOf(bytes)}`],
  body: bytes,
  headers: octets,
  status: 201,
  answers: { location: `/v2/${to}/blobs/${digestOf(bytes)}` },
})
const put = (title: string, reference: string, bytes: Buffer, more: Partial<Step> = {}): Step => ({
  title,
  ask: ['PUT', `/v2/${name}/manifests/${reference}`],
  body: bytes,
  headers: type(bytes === byIndex || bytes === fallback ? mediaTypes.ociIndex : mediaTypes.ociManifest),
  status: 201,
  ...more,
})
const begin: Step = {
  title: 'POST begins an upload',
  ask: ['POST', `/v2/${name}/blobs/uploads/`],
  status: 202,
  answers: { location: true },
}
const blob = (digest: string): string => `/v2/${name}/blobs/${digest}`
const refers = { 'oci-subject': subject.digest }
const isIndex = { 'content-type': mediaTypes.ociIndex }

const push: Step[] = [
  { title: 'the version check', ask: ['GET', '/v2/'], status: 200 },
  begin,
  { title: 'PATCH streams a blob', ask: ['PATCH', '<location>'], body: config.bytes, headers: octets, status: 202 },
  {
    title: 'PUT ends it',
    ask: ['PUT', `<location>?digest=${config.descriptor.digest}`],
    status: 201,
    answers: { location: true },
  },
  { title: 'GET of a blob that is not there', ask: ['GET', blob(never)], status: 404, code: 'BLOB_UNKNOWN' },
  whole(empty.bytes),
  { title: 'and it is there', ask: ['GET', blob(empty.descriptor.digest)], status: 200, bytes: empty.bytes },
  begin,
  {
    title: 'a whole blob in the PUT',
    ask: ['PUT', `<location>?digest=${empty.descriptor.digest}`],
    body: empty.bytes,
    headers: octets,
    status: 201,
  },
  begin,
  {
    title: 'bytes that are not the digest',
    ask: ['PUT', `<location>?digest=${never}`],
    body: empty.bytes,
    headers: octets,
    status: 400,
    code: 'DIGEST_INVALID',
  },
  begin,
  {
    title: 'a second chunk first',
    ask: ['PATCH', '<location>'],
    body: layer.bytes.subarray(half),
    headers: { ...octets, 'content-range': `${half}-${2 * half - 1}` },
    status: 416,
  },
  {
    title: 'the first chunk',
    ask: ['PATCH', '<location>'],
    body: layer.bytes.subarray(0, half),
    headers: { ...octets, 'content-range': `0-${half - 1}` },
    status: 202,
    answers: { range: `0-${half - 1}`, location: true },
  },
  {
    title: 'the first chunk again',
    ask: ['PATCH', '<location>'],
    body: layer.bytes.subarray(0, half),
    headers: { ...octets, 'content-range': `0-${half - 1}` },
    status: 416,
  },
  {
    title: 'how far it came',
    ask: ['GET', '<location>'],
    status: 204,
    answers: { range: `0-${half - 1}`, location: true },
  },
  {
    title: 'the last chunk in the PUT',
    ask: ['PUT', `<location>?digest=${layer.descriptor.digest}`],
    body: layer.bytes.subarray(half),
    headers: { ...octets, 'content-range': `${half}-${2 * half - 1}` },
    status: 201,
    answers: { location: true },
  },
  {
    title: 'a mount from another repository',
    ask: ['POST', `/v2/conformance/other/blobs/uploads/?mount=${layer.descriptor.digest}&from=${name}`],
    status: 201,
    answers: { location: `/v2/conformance/other/blobs/${layer.descriptor.digest}` },
  },
  {
    title: 'a mount of what is not there begins an upload',
    ask: ['POST', `/v2/conformance/other/blobs/uploads/?mount=${never}&from=${name}`],
    status: 202,
    answers: { location: true },
  },
  {
    title: 'a mount without its source begins an upload',
    ask: ['POST', `/v2/conformance/other/blobs/uploads/?mount=${empty.descriptor.digest}`],
    status: 202,
    answers: { location: true },
  },
  {
    title: 'GET of a manifest that is not there',
    ask: ['GET', `/v2/${name}/manifests/.INVALID_MANIFEST_NAME`],
    status: 400,
  },
  ...[0, 1, 2, 3].map((i) =>
    put(`a manifest under tag test${i}`, `test${i}`, manifest.bytes, {
      answers: { location: `/v2/${name}/manifests/${subject.digest}`, 'docker-content-digest': subject.digest },
    }),
  ),
  put('a manifest by digest', subject.digest, manifest.bytes),
  whole(imageOf([]).config.bytes),
  put('a manifest without layers', noLayers.descriptor.digest, noLayers.bytes),
  put('a manifest whose layer is missing', 'lacking', imageOf([blobOf(9).descriptor]).manifest.bytes, {
    status: 400,
    code: 'MANIFEST_BLOB_UNKNOWN',
  }),
  put('what is no manifest', 'broken', Buffer.from('{'), { status: 400, code: 'MANIFEST_INVALID' }),
  put('a manifest under another digest', never, manifest.bytes, { status: 400, code: 'DIGEST_INVALID' }),
]

const pull: Step[] = [
  { title: 'HEAD of a blob that is not there', ask: ['HEAD', blob(never)], status: 404 },
  {
    title: 'HEAD of a blob',
    ask: ['HEAD', blob(layer.descriptor.digest)],
    status: 200,
    answers: { 'docker-content-digest': layer.descriptor.digest, 'content-length': String(2 * half) },
  },
  { title: 'GET of a blob', ask: ['GET', blob(layer.descriptor.digest)], status: 200, bytes: layer.bytes },
  {
    title: 'GET of its second half',
    ask: ['GET', blob(layer.descriptor.digest)],
    headers: { range: `bytes=${half}-` },
    status: 206,
    bytes: layer.bytes.subarray(half),
  },
  { title: 'HEAD of a manifest that is not there', ask: ['HEAD', `/v2/${name}/manifests/${never}`], status: 404 },
  {
    title: 'HEAD of a manifest by digest',
    ask: ['HEAD', `/v2/${name}/manifests/${subject.digest}`],
    status: 200,
    answers: { 'docker-content-digest': subject.digest },
  },
  {
    title: 'HEAD of a manifest by tag',
    ask: ['HEAD', `/v2/${name}/manifests/test0`],
    status: 200,
    answers: { 'docker-content-digest': subject.digest },
  },
  {
    title: 'GET of a manifest by digest',
    ask: ['GET', `/v2/${name}/manifests/${subject.digest}`],
    status: 200,
    answers: type(mediaTypes.ociManifest),
    bytes: manifest.bytes,
  },
  {
    title: 'GET of a manifest by tag',
    ask: ['GET', `/v2/${name}/manifests/test0`],
    status: 200,
    bytes: manifest.bytes,
  },
  {
    title: 'errors have a body',
    ask: ['GET', `/v2/${name}/manifests/none`],
    status: 404,
    answers: { 'content-type': 'application/json' },
    code: 'MANIFEST_UNKNOWN',
  },
  { title: 'a repository that is not there', ask: ['GET', '/v2/none/tags/list'], status: 404, code: 'NAME_UNKNOWN' },
  { title: 'a digest that is none', ask: ['GET', blob('sha256:1')], status: 400, code: 'DIGEST_INVALID' },
]

const discovery: Step[] = [
  {
    title: 'all tags',
    ask: ['GET', `/v2/${name}/tags/list`],
    status: 200,
    json: [tagsOf, ['test0', 'test1', 'test2', 'test3']],
  },
  {
    title: 'the first two',
    ask: ['GET', `/v2/${name}/tags/list?n=2`],
    status: 200,
    answers: { link: `</v2/${name}/tags/list?n=2&last=test1>; rel="next"` },
    json: [tagsOf, ['test0', 'test1']],
  },
  {
    title: 'the next two',
    ask: ['GET', `/v2/${name}/tags/list?n=2&last=test1`],
    status: 200,
    json: [tagsOf, ['test2', 'test3']],
  },
  { title: 'none of them', ask: ['GET', `/v2/${name}/tags/list?n=0`], status: 200, json: [tagsOf, []] },
  {
    title: 'after one that is gone',
    ask: ['GET', `/v2/${name}/tags/list?last=test2a`],
    status: 200,
    json: [tagsOf, ['test3']],
  },
  {
    title: 'one repository of the catalog',
    ask: ['GET', '/v2/_catalog?n=1'],
    status: 200,
    json: [(c: { repositories: string[] }) => c.repositories, [name]],
  },
  {
    title: 'referrers of what nobody refers to',
    ask: ['GET', `/v2/${name}/referrers/${never}`],
    status: 200,
    answers: isIndex,
    json: [digestsOf, []],
  },
  put('a referrer with a type', digestOf(bySelf), bySelf, { answers: refers }),
  put('a referrer with the type of its config', digestOf(byConfig), byConfig, { answers: refers }),
  put('an index that refers', digestOf(byIndex), byIndex, { answers: refers }),
  put('a referrer to what is not there', digestOf(toNothing), toNothing, { answers: { 'oci-subject': never } }),
  {
    title: 'all referrers',
    ask: ['GET', `/v2/${name}/referrers/${subject.digest}`],
    status: 200,
    answers: isIndex,
    json: [digestsOf, [bySelf, byConfig, byIndex].map((b) => digestOf(b)).sort()],
  },
  {
    title: 'they have type and annotations',
    ask: ['GET', `/v2/${name}/referrers/${subject.digest}?artifactType=test/b`],
    status: 200,
    json: [
      (index: { manifests: unknown[] }) => index.manifests,
      [
        {
          mediaType: mediaTypes.ociManifest,
          digest: digestOf(byConfig),
          size: byConfig.length,
          artifactType: 'test/b',
          annotations: { note: 'config' },
        },
      ],
    ],
  },
  {
    title: 'those of one type',
    ask: ['GET', `/v2/${name}/referrers/${subject.digest}?artifactType=test/a`],
    status: 200,
    answers: { 'oci-filters-applied': 'artifactType' },
    json: [digestsOf, [bySelf, byIndex].map((b) => digestOf(b)).sort()],
  },
  {
    title: 'those of a subject that is not there',
    ask: ['GET', `/v2/${name}/referrers/${never}`],
    status: 200,
    json: [digestsOf, [digestOf(toNothing)]],
  },
  put('an index under the fallback tag', subject.digest.replace(':', '-'), fallback),
  {
    title: 'what it lists is among the referrers',
    ask: ['GET', `/v2/${name}/referrers/${subject.digest}`],
    status: 200,
    json: [digestsOf, [digestOf(bySelf), digestOf(byConfig), digestOf(byIndex), noLayers.descriptor.digest].sort()],
  },
]

const management: Step[] = [
  { title: 'DELETE of a tag', ask: ['DELETE', `/v2/${name}/manifests/test0`], status: 202 },
  { title: 'it is gone', ask: ['GET', `/v2/${name}/manifests/test0`], status: 404 },
  {
    title: 'DELETE of a tag that is gone',
    ask: ['DELETE', `/v2/${name}/manifests/test0`],
    status: 404,
    code: 'MANIFEST_UNKNOWN',
  },
  { title: 'its manifest stays', ask: ['HEAD', `/v2/${name}/manifests/${subject.digest}`], status: 200 },
  { title: 'DELETE of a referrer', ask: ['DELETE', `/v2/${name}/manifests/${digestOf(byConfig)}`], status: 202 },
  {
    title: 'it refers no more',
    ask: ['GET', `/v2/${name}/referrers/${subject.digest}?artifactType=test/b`],
    status: 200,
    json: [digestsOf, []],
  },
  { title: 'DELETE of a manifest', ask: ['DELETE', `/v2/${name}/manifests/${subject.digest}`], status: 202 },
  {
    title: 'it is gone by digest',
    ask: ['GET', `/v2/${name}/manifests/${subject.digest}`],
    status: 404,
    code: 'MANIFEST_UNKNOWN',
  },
  {
    title: 'its tags are gone',
    ask: ['GET', `/v2/${name}/tags/list`],
    status: 200,
    json: [tagsOf, [subject.digest.replace(':', '-')]],
  },
  { title: 'DELETE of a blob', ask: ['DELETE', blob(layer.descriptor.digest)], status: 202 },
  { title: 'it is gone', ask: ['GET', blob(layer.descriptor.digest)], status: 404, code: 'BLOB_UNKNOWN' },
  {
    title: 'the other repository still has it',
    ask: ['GET', `/v2/conformance/other/blobs/${layer.descriptor.digest}`],
    status: 200,
    bytes: layer.bytes,
  },
  { title: 'DELETE of a blob that is not there', ask: ['DELETE', blob(never)], status: 404, code: 'BLOB_UNKNOWN' },
]

/** In this order: each workflow works on what the one before it left. `<location>` in a path is where the last upload goes on. */
export const workflows: readonly (readonly [name: string, steps: readonly Step[]])[] = [
  ['push', push],
  ['pull', pull],
  ['content discovery', discovery],
  ['content management', management],
]
