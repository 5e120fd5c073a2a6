/** Archives of images: what goes out comes back, and what no honest program wrote is refused before the store knows of it. */
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { digestOf, hexOf } from '../../src/core/digest.ts'
import { quietScope } from '../../src/core/scope.ts'
import type { TransferDeps } from '../../src/transfer/deps.ts'
import { type LoadedImage, loadImages } from '../../src/transfer/load.ts'
import { type SaveForm, saveImages } from '../../src/transfer/save.ts'
import { type RawEntry, rawTar } from '../support/raw-tar.ts'
import { tempDir } from '../support/temp.ts'
import { buildTiny, newDeps } from './tiny.ts'

const scope = quietScope()

async function save(deps: TransferDeps, names: readonly string[], form: SaveForm = 'docker-archive'): Promise<string> {
  const dest = join(tempDir(), 'out')
  const images = await Promise.all(names.map(async (n) => ({ stored: await deps.store.images.resolve(n), names: [n] })))
  await saveImages({ images, form, dest }, { deps, scope })
  return dest
}

async function load(deps: TransferDeps, from: string | Buffer | { readonly folder: string }): Promise<LoadedImage[]> {
  const loaded: LoadedImage[] = []
  const origin =
    typeof from === 'string'
      ? { label: 'archive', path: from }
      : Buffer.isBuffer(from)
        ? { label: 'archive', stream: Readable.from([from], { objectMode: false }) }
        : from
  await loadImages({ from: origin }, { deps, scope }, (image) => loaded.push(image))
  return loaded
}

describe('round trips', () => {
  const names = ['docker.io/library/one:1', 'reg.example.com/two:2']

  async function sourceStore(): Promise<TransferDeps> {
    const deps = await newDeps()
    for (const name of names) await buildTiny(deps, `round trip of ${name}`, name)
    return deps
  }

  test.each(['docker-archive', 'oci-archive'] as const)('of %s keep every digest from the first on', async (form) => {
    const source = await sourceStore()
    const archive = await save(source, names, form)
    const deps = await newDeps()
    expect((await load(deps, archive)).flatMap((image) => image.names)).toEqual(names)
    expect(readFileSync(await save(deps, names, form))).toEqual(readFileSync(archive))
    for (const name of names) {
      expect((await deps.store.images.resolve(name)).id).toBe((await source.store.images.resolve(name)).id)
    }
  })

  test('of docker-legacy keep the ids', async () => {
    const source = await sourceStore()
    const archive = await save(source, names, 'docker-legacy')
    const deps = await newDeps()
    const ids = await Promise.all(names.map(async (name) => (await source.store.images.resolve(name)).id))
    expect((await load(deps, archive)).map((image) => image.id)).toEqual(ids)
    expect(readFileSync(await save(deps, names, 'docker-legacy'))).toEqual(readFileSync(archive))
  })

  test('of folders keep every digest, and a second image goes beside the first', async () => {
    const source = await sourceStore()
    const folder = await save(source, names.slice(0, 1), 'oci-dir')
    const images = [{ stored: await source.store.images.resolve(names[1]!), names: names.slice(1) }]
    await saveImages({ images, form: 'oci-dir', dest: folder }, { deps: source, scope })
    const deps = await newDeps()
    expect((await load(deps, { folder })).flatMap((image) => image.names)).toEqual(names)
  })

  test.each(['gzip', 'bzip2', 'xz', 'zstd'])(
    'read what %s compressed, from a file and from a stream',
    async (program) => {
      const source = await sourceStore()
      const archive = await save(source, names)
      const packed = execFileSync(program, ['-c', archive])
      const file = join(tempDir(), 'packed')
      writeFileSync(file, packed)
      for (const from of [file, packed]) {
        const deps = await newDeps()
        expect((await load(deps, from)).flatMap((image) => image.names)).toEqual(names)
        expect(readdirSync(join(deps.store.root, 'tmp'))).toEqual([])
      }
    },
  )

  test('a name moves to what was loaded, and the caller is told from which image', async () => {
    const source = await sourceStore()
    const deps = await newDeps()
    const { config } = await buildTiny(deps, 'older', names[0]!)
    const [image] = await load(deps, await save(source, names.slice(0, 1)))
    expect(image?.taken).toEqual([{ name: names[0], id: config.descriptor.digest }])
    expect((await deps.store.images.list()).map((each) => each.names)).toEqual([[], [names[0]]])
  })
})

const json = (value: unknown): string => JSON.stringify(value)
const blob = (text: string): RawEntry => ({ name: `blobs/sha256/${hexOf(digestOf(text))}`, data: text })
const descriptor = (text: string, type: string): object => ({
  mediaType: `application/vnd.oci.image.${type}`,
  digest: digestOf(text),
  size: Buffer.byteLength(text),
})

/** An archive with one image of one layer, of which `config` claims the diffID. */
function layout(layer: string, diffId: string): RawEntry[] {
  const config = json({
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [diffId] },
  })
  const layers = [descriptor(layer, 'layer.v1.tar+gzip')]
  const manifest = json({ schemaVersion: 2, config: descriptor(config, 'config.v1+json'), layers })
  const index = json({ schemaVersion: 2, manifests: [descriptor(manifest, 'manifest.v1+json')] })
  return [
    { name: 'oci-layout', data: '{}' },
    { name: 'index.json', data: index },
    ...[config, manifest, layer].map(blob),
  ]
}

describe('an archive is refused that', () => {
  const some = layout('layer', digestOf('layer'))
  const manifest = json([{ Config: 'config.json', RepoTags: ['x:1'], Layers: ['layer.tar'] }])
  const config = json({ rootfs: { type: 'layers', diff_ids: [digestOf('other')] } })
  const legacy = [
    { name: 'manifest.json', data: manifest },
    { name: 'config.json', data: config },
  ]
  const cases: readonly (readonly [what: string, entries: RawEntry[], code: string, says: RegExp])[] = [
    ['has a name that leads out', [{ name: '../../etc/passwd', data: 'x' }, ...some], 'archive-invalid', /leads out/],
    ['has a name twice', [...some, some[1]!], 'archive-invalid', /"index.json" twice/],
    [
      'has a link that leads out',
      [...some, { name: 'x/layer.tar', flag: '2', link: '../../etc/shadow' }],
      'archive-invalid',
      /leads out/,
    ],
    [
      'has an absolute link',
      [{ name: 'manifest.json', flag: '2', link: '/etc/shadow' }],
      'archive-invalid',
      /leads out/,
    ],
    [
      'has a device',
      [...some, { name: 'null', flag: '3', major: 1, minor: 3 }],
      'archive-unsupported',
      /no plain file/,
    ],
    [
      'has an index.json of 5 MB',
      [some[0]!, { name: 'index.json', data: ' '.repeat(5e6) }],
      'config-invalid',
      /more than/,
    ],
    ['lacks a blob', some.slice(0, -1), 'blob-missing', /has no blob/],
    ['has another layer than its config says', layout('layer', digestOf('other')), 'digest-mismatch', /does not hold/],
    [
      'has another blob than its name says',
      [...some.slice(0, -1), { name: some.at(-1)!.name, data: 'LAYER' }],
      'digest-mismatch',
      /other bytes/,
    ],
    [
      'has a legacy layer that is not what the config says',
      [...legacy, { name: 'layer.tar', data: 'layer' }],
      'digest-mismatch',
      /expected/,
    ],
    ['names a legacy layer that is not there', legacy, 'blob-missing', /"layer.tar"/],
    ['is of an old docker', [{ name: 'repositories', data: '{}' }], 'archive-unsupported', /older than 1.10/],
    ['is of a file system', [{ name: 'etc/passwd', data: '' }], 'image-not-found', /holds no image/],
  ]

  test.each(cases)('%s', async (_what, entries, code, says) => {
    const deps = await newDeps()
    const refusal = await load(deps, rawTar(entries)).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(refusal).toMatchObject({ code })
    expect((refusal as Error).message).toMatch(says)
    expect(await deps.store.images.list()).toEqual([])
    expect(readdirSync(join(deps.store.root, 'tmp'))).toEqual([])
  })

  test('ends too early', async () => {
    const deps = await newDeps()
    await expect(load(deps, rawTar(some).subarray(0, 1500))).rejects.toMatchObject({ code: 'archive-invalid' })
    await expect(load(deps, Buffer.alloc(0))).rejects.toMatchObject({ code: 'image-not-found' })
    await expect(load(deps, Buffer.from('no archive at all'))).rejects.toMatchObject({ code: 'archive-invalid' })
  })
})
