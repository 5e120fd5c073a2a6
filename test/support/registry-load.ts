/** Many clients of a registry at once, each of which holds it to what it has answered. */
import { type Digest, digestOf } from '../../src/core/digest.ts'
import type { Document } from '../../src/oci/image.ts'
import { type TestBlob, blobOf, imageOf } from './registries.ts'

/** What to do to a registry. */
export interface LoadRequest {
  /** `HOST:PORT`. */
  readonly address: string
  readonly clients: number
  /** Asked before each image. */
  readonly isOver: () => boolean
  /** Gets what the registry said that it has: paths below `/v2/`, and the digest of what must be there. */
  readonly acknowledged: Map<string, Digest>
  /** The server is killed now and then: a request that gets no answer is no failure, and counts for nothing. */
  readonly isKilled?: boolean
}

/** What became of it. */
export interface Load {
  /** Images pushed and read back. */
  readonly images: number
  readonly bytes: number
  /** Answers that were due and did not come, or were wrong. */
  readonly failures: string[]
}

interface Client {
  readonly request: LoadRequest
  readonly repository: string
  readonly acknowledged: Map<string, Digest>
}

class NoAnswer extends Error {}

/** Runs the clients until it is over. */
export async function loadRegistry(request: LoadRequest): Promise<Load> {
  const load = { images: 0, bytes: 0, failures: [] as string[] }
  const work = async (i: number): Promise<void> => {
    const client: Client = { request, repository: `load/client-${i}`, acknowledged: request.acknowledged }
    for (let round = 0; !request.isOver(); round++) {
      try {
        const moved = await oneImage(client, round)
        load.bytes += moved
        load.images++
      } catch (error) {
        if (error instanceof NoAnswer && request.isKilled) await new Promise((resolve) => setTimeout(resolve, 50))
        else load.failures.push(`${client.repository}, round ${round}: ${String(error)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: request.clients }, (_, i) => work(i)))
  return load
}

/** Of what was acknowledged, what is not there or has other bytes. */
export async function lostOf(address: string, acknowledged: ReadonlyMap<string, Digest>): Promise<string[]> {
  const lost: string[] = []
  for (const [path, digest] of acknowledged) {
    const answer = await fetch(`http://${address}/v2/${path}`)
    const bytes = Buffer.from(await answer.arrayBuffer())
    if (answer.status !== 200 || digestOf(bytes) !== digest) lost.push(`${path}: ${answer.status} ${digestOf(bytes)}`)
  }
  return lost
}

/** Pushes an image, reads it back, gives it a second name by mounts, and sometimes deletes it. Bytes moved. */
async function oneImage(client: Client, round: number): Promise<number> {
  const { repository } = client
  const layer = blobOf(round % 16 === 15 ? 2_000_000 : 1 + Math.floor(Math.random() * 60_000))
  const { manifest, config } = imageOf([layer.descriptor])
  for (const blob of [layer, config]) await pushBlob(client, blob, round)
  await putManifest(client, `${repository}/manifests/v${round % 8}`, manifest)
  await expectBytes(client, `${repository}/manifests/v${round % 8}`, manifest.bytes)
  await expectBytes(client, `${repository}/blobs/${layer.descriptor.digest}`, layer.bytes)
  const half = layer.bytes.length >> 1
  await expectBytes(client, `${repository}/blobs/${layer.descriptor.digest}`, layer.bytes.subarray(half), half)
  for (const { descriptor } of [layer, config]) await mount(client, 'load/shared', descriptor.digest)
  // All clients race for this tag.
  await putManifest(client, 'load/shared/manifests/latest', manifest)
  if (round % 5 === 4) await remove(client, `${repository}/manifests/${manifest.descriptor.digest}`)
  return 2.5 * layer.bytes.length
}

async function pushBlob(client: Client, { bytes, descriptor: { digest } }: TestBlob, round: number): Promise<void> {
  const uploads = `${client.repository}/blobs/uploads/`
  if (round % 3 === 0) {
    await ask(client, [201], ['POST', `${uploads}?digest=${digest}`, bytes])
  } else {
    const half = round % 3 === 1 ? 0 : bytes.length >> 1
    let location = locationOf(await ask(client, [202], ['POST', uploads]))
    if (half > 0) location = locationOf(await ask(client, [202], ['PATCH', location, bytes.subarray(0, half)]))
    await ask(client, [201], ['PUT', `${location}?digest=${digest}`, bytes.subarray(half)])
  }
  client.acknowledged.set(`${client.repository}/blobs/${digest}`, digest)
}

async function mount(client: Client, to: string, digest: Digest): Promise<void> {
  await ask(client, [201], ['POST', `${to}/blobs/uploads/?mount=${digest}&from=${client.repository}`])
  client.acknowledged.set(`${to}/blobs/${digest}`, digest)
}

async function putManifest(client: Client, path: string, { bytes, descriptor }: Document): Promise<void> {
  // Without an answer either may be there.
  client.acknowledged.delete(path)
  const type = { 'content-type': descriptor.mediaType }
  await ask(client, [201], ['PUT', path, bytes], type)
  client.acknowledged.set(path.replace(/[^/]+$/, descriptor.digest), descriptor.digest)
  if (!path.endsWith('/latest')) client.acknowledged.set(path, descriptor.digest)
}

async function remove(client: Client, path: string): Promise<void> {
  const { acknowledged } = client
  const digest = acknowledged.get(path)
  const repository = path.slice(0, path.lastIndexOf('/'))
  for (const [key, value] of acknowledged) if (value === digest && key.startsWith(repository)) acknowledged.delete(key)
  await ask(client, [202], ['DELETE', path])
  await ask(client, [404], ['GET', path])
}

async function expectBytes(client: Client, path: string, bytes: Buffer, from = 0): Promise<void> {
  const range: Record<string, string> = from === 0 ? {} : { range: `bytes=${from}-` }
  const { body } = await ask(client, [from === 0 ? 200 : 206], ['GET', path], range)
  if (!body.equals(bytes)) throw new Error(`wrong bytes of ${path}: ${body.length} of ${bytes.length}`)
}

interface Answer {
  readonly headers: Headers
  readonly body: Buffer
}

function locationOf({ headers }: Answer): string {
  return (headers.get('location') ?? '').replace('/v2/', '')
}

async function ask(
  { request }: Client,
  due: readonly number[],
  [method, path, body]: readonly [method: string, path: string, body?: Buffer],
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = await answerTo(`http://${request.address}/v2/${path}`, { method, headers, body })
  if (due.includes(answer.status)) return answer
  throw new Error(`${method} ${path}: ${answer.status} ${answer.body.toString().slice(0, 200)}`)
}

async function answerTo(url: string, init: RequestInit): Promise<Answer & { readonly status: number }> {
  try {
    const answer = await fetch(url, init)
    return { status: answer.status, headers: answer.headers, body: Buffer.from(await answer.arrayBuffer()) }
  } catch (cause) {
    throw new NoAnswer(`no answer from ${url}`, { cause })
  }
}
