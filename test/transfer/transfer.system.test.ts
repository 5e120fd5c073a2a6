import { createWriteStream, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BuildEvent } from '../../src/core/events.ts'
import { type Scope, quietScope } from '../../src/core/scope.ts'
import { type Digest, digestOf } from '../../src/core/digest.ts'
import { parsePlatform, hostPlatform } from '../../src/oci/platform.ts'
import { formatReference, parseReference } from '../../src/oci/reference.ts'
import { loadImage } from '../../src/transfer/documents.ts'
import { exportDockerArchive } from '../../src/transfer/export-docker.ts'
import { exportOci } from '../../src/transfer/export-oci.ts'
import { fetchLayers } from '../../src/transfer/fetch.ts'
import { pullImage } from '../../src/transfer/pull.ts'
import { pushImage } from '../../src/transfer/push.ts'
import { resolveBase } from '../../src/transfer/resolve.ts'
import { type DebianRegistry, startDebianRegistry } from '../support/debian-registry.ts'
import { lacks, missingTools } from '../support/need.ts'
import { tempDir } from '../support/temp.ts'
import { run } from '../support/tools.ts'
import { buildTiny, newDeps } from './tiny.ts'

const platform = parsePlatform('linux/amd64', hostPlatform())

interface Recorder extends Scope {
  readonly events: BuildEvent[]
  outcomes(kind: string): string[]
}

function recorder(): Recorder {
  const events: BuildEvent[] = []
  const kinds = new Map<string, string>()
  return {
    ...quietScope(),
    events,
    emit: (event) => {
      events.push(event)
      if (event.type === 'transfer-started') kinds.set(event.id, event.kind)
    },
    outcomes: (kind) =>
      events.flatMap((e) => (e.type === 'transfer-finished' && kinds.get(e.id) === kind ? [e.outcome] : [])),
  }
}

describe.skipIf(lacks('tools', missingTools('docker-registry', 'skopeo')))('with a registry', () => {
  let registry: DebianRegistry

  beforeAll(async () => {
    registry = await startDebianRegistry()
  })

  afterAll(() => registry.stop())

  const skopeo = (...args: readonly string[]): string => run('skopeo', ...args)

  test('a built image is pushed compressed, read by skopeo, and pushed again without a byte', async () => {
    const deps = await newDeps()
    const name = `${registry.address}/push/app:1`
    const { image, manifest } = await buildTiny(deps, 'push', name)
    const scope = recorder()
    const request = { outgoing: { image }, reference: parseReference(name), stored: manifest.descriptor.digest }
    const pushed = await pushImage(request, deps, scope)
    expect(scope.outcomes('push')).toEqual(['done', 'done'])
    expect(scope.events.at(-1)).toEqual({
      type: 'pushed',
      reference: name,
      digest: pushed.digest,
      size: pushed.size,
    })
    const seen = JSON.parse(skopeo('inspect', '--tls-verify=false', `docker://${name}`)) as { Digest: string }
    expect(seen.Digest).toBe(pushed.digest)
    const again = recorder()
    expect(await pushImage(request, deps, again)).toEqual(pushed)
    expect(again.outcomes('push')).toEqual(['exists', 'exists'])
    const found = await deps.store.images.resolve(`${registry.address}/push/app@${pushed.digest}`)
    expect(found.manifest.digest).toBe(manifest.descriptor.digest)
  })

  test('to another repository of the registry layers are mounted', async () => {
    const deps = await newDeps()
    const name = `${registry.address}/mount/a:1`
    const { image } = await buildTiny(deps, 'mount', name)
    await pushImage({ outgoing: { image }, reference: parseReference(name) }, deps, quietScope())
    const scope = recorder()
    const reference = parseReference(`${registry.address}/mount/b:1`)
    await pushImage({ outgoing: { image }, reference }, deps, scope)
    expect(scope.outcomes('push')).toContain('mounted')
    skopeo('copy', '-q', '--src-tls-verify=false', `docker://${formatReference(reference)}`, `dir:${tempDir()}`)
  })

  test('a base is resolved without its layers, and then from the store without the registry', async () => {
    const source = await newDeps()
    const name = `${registry.address}/lazy/base:1`
    const { image } = await buildTiny(source, 'lazy', name)
    const pushed = await pushImage({ outgoing: { image }, reference: parseReference(name) }, source, quietScope())
    const deps = await newDeps()
    await registry.requests()
    const base = await resolveBase({ name, platform, policy: 'missing' }, deps, quietScope())
    expect(base.manifest).toBe(pushed.digest)
    expect((await registry.requests()).filter((r) => r.includes('/blobs/'))).toHaveLength(1)
    const layer = base.image.layers[0]!
    expect(await deps.store.blobs.sizeOf(layer.blob.digest)).toBeUndefined()
    expect((await deps.store.layers.get(layer.diffId))?.sources).toEqual([
      { repository: `${registry.address}/lazy/base`, digest: layer.blob.digest },
    ])
    const { digest, ...known } = base
    expect(digest).toBe(pushed.digest)
    for (const policy of ['missing', 'never'] as const) {
      expect(await resolveBase({ name, platform, policy }, deps, quietScope())).toEqual(known)
    }
    expect(await registry.requests()).toEqual([])
    expect((await resolveBase({ name, platform, policy: 'always' }, deps, quietScope())).manifest).toBe(pushed.digest)
    expect(await registry.requests()).toEqual([`HEAD /v2/lazy/base/manifests/1`])
    const byDigest = `${registry.address}/lazy/base@${pushed.digest}`
    expect((await resolveBase({ name: byDigest, platform, policy: 'missing' }, deps, quietScope())).manifest).toBe(
      pushed.digest,
    )
    const id = (await deps.store.images.resolve(name)).id
    for (const query of [id, id.slice(7), id.slice(7, 19)]) {
      const found = await resolveBase({ name: query, platform, policy: 'always' }, deps, quietScope())
      expect(found.manifest).toBe(pushed.digest)
    }
    expect(await registry.requests()).toEqual([])
  })

  test('an absent layer is fetched once for all who need it, and its bytes are those of the diffID', async () => {
    const source = await newDeps()
    const name = `${registry.address}/fetch/base:1`
    const { image } = await buildTiny(source, 'fetch', name)
    await pushImage({ outgoing: { image }, reference: parseReference(name) }, source, quietScope())
    const deps = await newDeps()
    const base = await resolveBase({ name, platform, policy: 'missing' }, deps, quietScope())
    await registry.requests()
    const scope = recorder()
    const twice = await Promise.all([1, 2].map(() => fetchLayers(base.image.layers, deps, scope)))
    expect(twice[0]).toEqual(twice[1])
    expect(await registry.requests()).toHaveLength(1)
    expect(scope.outcomes('pull')).toEqual(['done'])
    expect(await deps.store.blobs.sizeOf(base.image.layers[0]!.blob.digest)).toBe(base.image.layers[0]!.blob.size)
  })

  test('a push of an image on a base that was never fetched streams its layers, or does not touch them', async () => {
    const source = await newDeps()
    const name = `${registry.address}/stream/base:1`
    const { image } = await buildTiny(source, 'stream', name)
    await pushImage({ outgoing: { image }, reference: parseReference(name) }, source, quietScope())
    const other = await startDebianRegistry()
    try {
      const deps = await newDeps()
      const base = await resolveBase({ name, platform, policy: 'missing' }, deps, quietScope())
      const reference = parseReference(`${other.address}/stream/copy:1`)
      await pushImage({ outgoing: { image: base.image }, reference }, deps, quietScope())
      const blob = base.image.layers[0]!.blob
      expect(await deps.store.blobs.sizeOf(blob.digest)).toBeUndefined()
      skopeo('copy', '-q', '--src-tls-verify=false', `docker://${formatReference(reference)}`, `dir:${tempDir()}`)
      await registry.requests()
      await pushImage({ outgoing: { image: base.image }, reference }, deps, quietScope())
      expect(await registry.requests()).toEqual([])
    } finally {
      await other.stop()
    }
  })

  test('an image of another tool keeps its bytes through pull and push', async () => {
    const dir = tempDir()
    const source = await newDeps()
    const name = `${registry.address}/exact/source:1`
    const { image } = await buildTiny(source, 'exact', name)
    await exportDockerArchive({ outgoing: { image }, names: [name], dest: join(dir, 'a.tar') }, source, quietScope())
    const docker = `${registry.address}/exact/docker:1`
    skopeo('copy', '-q', '--dest-tls-verify=false', '-f', 'v2s2', `docker-archive:${dir}/a.tar`, `docker://${docker}`)
    const deps = await newDeps()
    const { manifest } = await pullImage({ name: docker, platform, policy: 'missing' }, deps, quietScope())
    const loaded = await loadImage(await deps.store.images.resolve(docker), deps.store)
    expect(loaded.manifest.descriptor.mediaType).toContain('vnd.docker.distribution.manifest.v2')
    expect(loaded.image.layers[0]?.blob.mediaType).toContain('vnd.oci.image.layer')
    const reference = parseReference(`${registry.address}/exact/copy:2`)
    const pushed = await pushImage(
      { outgoing: { image: loaded.image, documents: loaded }, reference },
      deps,
      quietScope(),
    )
    expect(pushed.digest).toBe(manifest)
  })

  test('of an index the platform is chosen; one that is not there is named with those that are', async () => {
    const deps = await newDeps()
    const name = `${registry.address}/index/app:1`
    const { image } = await buildTiny(deps, 'index', name)
    const { digest, size } = await pushImage(
      { outgoing: { image }, reference: parseReference(name) },
      deps,
      quietScope(),
    )
    const manifests = [
      { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf('arm'), size: 3, platform: arm },
      { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size, platform: amd },
    ]
    const index = await putIndex(`http://${registry.address}/v2/index/app/manifests/multi`, manifests, [digest])
    const multi = `${registry.address}/index/app:multi`
    const fresh = await newDeps()
    const base = await resolveBase({ name: multi, platform, policy: 'missing' }, fresh, quietScope())
    expect(base.manifest).toBe(digest)
    const stored = await fresh.store.images.resolve(multi)
    expect(stored.repoDigests).toEqual([index, digest].map((d) => `${registry.address}/index/app@${d}`))
    const s390x = parsePlatform('linux/s390x', platform)
    await expect(
      resolveBase({ name: multi, platform: s390x, policy: 'missing' }, fresh, quietScope()),
    ).rejects.toMatchObject({ code: 'platform-mismatch', hint: expect.stringContaining('linux/amd64') as unknown })
  })

  test('images of one index are all found again without the registry', async () => {
    const [amd64, arm64] = [platform, parsePlatform('linux/arm64', platform)]
    const deps = await newDeps()
    const name = `${registry.address}/siblings/app:1`
    const images = [await buildTiny(deps, 'sib-amd', name), await buildTiny(deps, 'sib-arm', name)].map((t) => t.image)
    const arm = { raw: { ...images[1]!.config.raw, architecture: 'arm64' } }
    const members = [
      { image: images[0]!, platform: amd64, descriptorAnnotations: { d: '1' } },
      { image: { ...images[1]!, config: arm }, platform: arm64 },
    ]
    const outgoing = { members, annotations: { i: '2' }, docker: false }
    const { digest } = await pushImage({ outgoing, reference: parseReference(name) }, deps, quietScope())
    const raw = JSON.parse(skopeo('inspect', '--raw', '--tls-verify=false', `docker://${name}`)) as {
      manifests: { digest: string; annotations?: unknown; platform: { architecture: string } }[]
      annotations: unknown
    }
    expect(raw.annotations).toEqual({ i: '2' })
    expect(raw.manifests.map((m) => [m.platform.architecture, m.annotations])).toEqual([
      ['amd64', { d: '1' }],
      ['arm64', undefined],
    ])
    const fresh = await newDeps()
    const find = (wanted: typeof platform, policy: 'missing' | 'never') =>
      resolveBase({ name, platform: wanted, policy }, fresh, quietScope())
    const [a, b] = [await find(amd64, 'missing'), await find(arm64, 'missing')]
    expect([a.manifest, b.manifest]).toEqual(raw.manifests.map((m) => m.digest))
    await registry.requests()
    expect((await find(amd64, 'never')).manifest).toBe(a.manifest)
    expect((await find(arm64, 'missing')).manifest).toBe(b.manifest)
    expect(await registry.requests()).toEqual([])
    expect(digest).not.toBe(a.manifest)
  })

  test('an image that is only for another platform is used with a warning', async () => {
    const deps = await newDeps()
    const name = `${registry.address}/single/app:1`
    const { image } = await buildTiny(deps, 'single', name)
    await pushImage({ outgoing: { image }, reference: parseReference(name) }, deps, quietScope())
    const scope = recorder()
    const s390x = parsePlatform('linux/s390x', platform)
    await resolveBase({ name, platform: s390x, policy: 'missing' }, await newDeps(), scope)
    expect(scope.events).toContainEqual(expect.objectContaining({ type: 'warning' }))
  })

  test('what is nowhere is said to be', async () => {
    const deps = await newDeps()
    const name = `${registry.address}/none/app:1`
    await expect(resolveBase({ name, platform, policy: 'missing' }, deps, quietScope())).rejects.toMatchObject({
      code: 'registry',
    })
    await expect(resolveBase({ name, platform, policy: 'never' }, deps, quietScope())).rejects.toMatchObject({
      code: 'image-not-found',
    })
    const layer = { diffId: digestOf('nowhere') }
    await expect(fetchLayers([layer], deps, quietScope())).rejects.toMatchObject({ code: 'blob-missing' })
  })

  test('a cancelled fetch ends, and leaves no temp file', async () => {
    const source = await newDeps()
    const name = `${registry.address}/cancel/base:1`
    const { image } = await buildTiny(source, 'cancel', name)
    await pushImage({ outgoing: { image }, reference: parseReference(name) }, source, quietScope())
    const deps = await newDeps()
    const base = await resolveBase({ name, platform, policy: 'missing' }, deps, quietScope())
    const abort = new AbortController()
    abort.abort()
    await expect(fetchLayers(base.image.layers, deps, quietScope(abort.signal))).rejects.toMatchObject({
      code: 'cancelled',
    })
    expect(readdirSync(join(deps.store.root, 'tmp'))).toEqual([])
  })
})

const amd = { os: 'linux', architecture: 'amd64' }
const arm = { os: 'linux', architecture: 'arm64' }

/** Puts an index; entries that the registry does not have are left to it to refuse, so only those of `present` go. */
async function putIndex(
  url: string,
  manifests: readonly { digest: string }[],
  present: readonly Digest[],
): Promise<Digest> {
  const type = 'application/vnd.oci.image.index.v1+json'
  const there = manifests.filter((m) => present.some((digest) => digest === m.digest))
  const body = JSON.stringify({ schemaVersion: 2, mediaType: type, manifests: there })
  const answer = await fetch(url, { method: 'PUT', headers: { 'content-type': type }, body })
  expect(answer.status).toBe(201)
  return digestOf(body)
}

describe.skipIf(lacks('tools', missingTools('skopeo')))('exports', () => {
  const names = ['docker.io/library/app:1', 'docker.io/library/app:2']

  test('an OCI tar and folder are read by skopeo, with the config that the image has', async () => {
    const deps = await newDeps()
    const dir = tempDir()
    const { image, config } = await buildTiny(deps, 'oci', names[0]!)
    await exportOci({ outgoing: { image }, names, dest: join(dir, 'a.tar'), tar: true }, deps, quietScope())
    await exportOci({ outgoing: { image }, names, dest: join(dir, 'folder'), tar: false }, deps, quietScope())
    for (const [i, source] of [`oci-archive:${dir}/a.tar:1`, `oci:${dir}/folder:2`].entries()) {
      run('skopeo', 'copy', '-q', source, `dir:${dir}/out${i}`)
      expect(readdirSync(join(dir, `out${i}`))).toContain(config.descriptor.digest.slice(7))
    }
    const index = readFileSync(join(dir, 'folder/index.json'), 'utf8')
    expect(index).toContain('"io.containerd.image.name":"docker.io/library/app:1"')
    expect(readdirSync(dir).filter((name) => name.includes('tmp'))).toEqual([])
  })

  test('a docker archive is read by skopeo, plain layers and names included', async () => {
    const deps = await newDeps()
    const dir = tempDir()
    const { image, config } = await buildTiny(deps, 'docker', names[0]!)
    await exportDockerArchive({ outgoing: { image }, names, dest: join(dir, 'a.tar') }, deps, quietScope())
    run('skopeo', 'copy', '-q', `docker-archive:${dir}/a.tar:app:2`, `dir:${dir}/out`)
    expect(readdirSync(join(dir, 'out'))).toContain(config.descriptor.digest.slice(7))
    const manifest = JSON.parse(run('tar', '-xOf', join(dir, 'a.tar'), 'manifest.json')) as [{ RepoTags: string[] }]
    expect(manifest[0].RepoTags).toEqual(['app:1', 'app:2'])
  })

  test('exporting twice gives the same bytes, and "-" is the stream that is given', async () => {
    const deps = await newDeps()
    const dir = tempDir()
    const { image } = await buildTiny(deps, 'twice', names[0]!)
    const stdout = createWriteStream(join(dir, 'b.tar'))
    await exportOci({ outgoing: { image }, names, dest: join(dir, 'a.tar'), tar: true }, deps, quietScope())
    await exportOci({ outgoing: { image }, names, dest: '-', stdout, tar: true }, deps, quietScope())
    await new Promise((resolve) => stdout.end(resolve))
    expect(readFileSync(join(dir, 'a.tar')).equals(readFileSync(join(dir, 'b.tar')))).toBe(true)
  })

  test('an image without layers or names is exported too', async () => {
    const deps = await newDeps()
    const dir = tempDir()
    const { emptyConfig } = await import('../../src/oci/config.ts')
    const image = { config: emptyConfig(amd), layers: [], annotations: {} }
    await exportOci({ outgoing: { image }, names: [], dest: join(dir, 'a.tar'), tar: true }, deps, quietScope())
    run('skopeo', 'inspect', `oci-archive:${dir}/a.tar`)
    await exportDockerArchive({ outgoing: { image }, names: [], dest: join(dir, 'b.tar') }, deps, quietScope())
    run('skopeo', 'inspect', '--raw', `docker-archive:${dir}/b.tar`)
  })

  test('a destination that cannot be written is named, and nothing is left', async () => {
    const deps = await newDeps()
    const dir = tempDir()
    const { image } = await buildTiny(deps, 'bad', names[0]!)
    const file = join(tempDir(), 'file')
    writeFileSync(file, '')
    for (const dest of [join(file, 'a.tar'), dir, '-']) {
      const failed = exportDockerArchive({ outgoing: { image }, names, dest }, deps, quietScope())
      await expect(failed).rejects.toMatchObject({ code: expect.stringMatching(/^(io|usage)$/) as unknown })
    }
    const abort = new AbortController()
    abort.abort()
    const cancelled = exportOci(
      { outgoing: { image }, names, dest: join(dir, 'a.tar'), tar: true },
      deps,
      quietScope(abort.signal),
    )
    await expect(cancelled).rejects.toThrow()
    expect(readdirSync(dir)).toEqual([])
  })
})
