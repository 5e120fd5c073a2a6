/** Pushes an image byte by byte through the registry's HTTP interface, with no code of the product between. */
import { createHash } from 'node:crypto'

/** Pushes layers (plain tars) as `repository:latest` to a plain registry. */
export async function pushImage(
  address: string,
  repository: string,
  layers: readonly Buffer[],
  config: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const base = `http://${address}/v2/${repository}`
  const os = { architecture: architecture(), os: 'linux' }
  const rootfs = { type: 'layers', diff_ids: layers.map(digest) }
  const configBytes = Buffer.from(JSON.stringify({ ...os, config, rootfs }))
  for (const blob of [...layers, configBytes]) await pushBlob(base, blob)
  const type = 'application/vnd.oci.image.manifest.v1+json'
  const descriptor = (mediaType: string, blob: Buffer): object => ({
    mediaType,
    digest: digest(blob),
    size: blob.length,
  })
  const manifest = {
    schemaVersion: 2,
    mediaType: type,
    config: descriptor('application/vnd.oci.image.config.v1+json', configBytes),
    layers: layers.map((layer) => descriptor('application/vnd.oci.image.layer.v1.tar', layer)),
  }
  await put(`${base}/manifests/latest`, Buffer.from(JSON.stringify(manifest)), type)
}

function architecture(): string {
  return { x64: 'amd64', ia32: '386' }[process.arch as string] ?? process.arch
}

function digest(blob: Buffer): string {
  return `sha256:${createHash('sha256').update(blob).digest('hex')}`
}

async function pushBlob(base: string, blob: Buffer): Promise<void> {
  const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST' })
  const location = new URL(started.headers.get('location') ?? '', base)
  location.searchParams.set('digest', digest(blob))
  await put(location.href, blob, 'application/octet-stream')
}

async function put(url: string, body: Buffer, type: string): Promise<void> {
  const answer = await fetch(url, { method: 'PUT', body: new Uint8Array(body), headers: { 'content-type': type } })
  if (!answer.ok) throw new Error(`PUT ${url}: ${answer.status} ${await answer.text()}`)
}
