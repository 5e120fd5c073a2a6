import { chmodSync, existsSync, readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import type { Store } from '../../src/store/contract.ts'
import { openStore } from '../../src/store/store.ts'
import { tempDir } from '../support/temp.ts'
import { lacks, missingTools } from '../support/need.ts'
import { run } from '../support/tools.ts'
import { putTiny } from './images.ts'

const fresh = (): Promise<Store> => openStore(join(tempDir(), 'deep', 'store'))

async function text(stream: Readable): Promise<string> {
  return Buffer.concat(await stream.toArray()).toString()
}

describe('blobs', () => {
  test('are read back whole, or from a position', async () => {
    const { blobs } = await fresh()
    const { digest, size } = await blobs.write(Readable.from([Buffer.from('hello '), Buffer.from('world')]))
    expect([digest, size]).toEqual([digestOf('hello world'), 11])
    expect(await text(blobs.read(digest))).toBe('hello world')
    expect(await text(blobs.read(digest, 6))).toBe('world')
    expect(await blobs.sizeOf(digest)).toBe(11)
    expect(statSync(blobs.pathOf(digest)).mode & 0o777).toBe(0o644)
  })

  test('are refused when they are not what was expected, and nothing stays', async () => {
    const store = await fresh()
    const bytes = Buffer.from('data')
    const wrong = [{ digest: digestOf('other') }, { size: 3 }, { size: 5 }]
    for (const expected of wrong) {
      const mismatch: unknown = expect.objectContaining({ code: 'digest-mismatch' })
      await expect(store.blobs.write(bytes, expected)).rejects.toEqual(mismatch)
      await expect(store.blobs.write(Readable.from([bytes]), expected)).rejects.toEqual(mismatch)
    }
    expect(readdirSync(join(store.root, 'tmp'))).toEqual([])
    expect(await store.blobs.sizeOf(digestOf(bytes))).toBeUndefined()
  })

  test('that are damaged on disk fail at the end of reading', async () => {
    const { blobs } = await fresh()
    const { digest } = await blobs.write(Buffer.from('data'))
    writeFileSync(blobs.pathOf(digest), 'dara')
    await expect(text(blobs.read(digest))).rejects.toMatchObject({ code: 'digest-mismatch' })
  })

  test('that are absent are said to be', async () => {
    const { blobs } = await fresh()
    await expect(text(blobs.read(digestOf('nothing')))).rejects.toMatchObject({ code: 'blob-missing' })
    await blobs.remove(digestOf('nothing'))
  })

  test('a source that fails leaves nothing', async () => {
    const store = await fresh()
    const source = new Readable({
      read() {
        this.push(Buffer.from('part'))
        this.destroy(new Error('cut'))
      },
    })
    await expect(store.blobs.write(source)).rejects.toThrow('cut')
    expect(readdirSync(join(store.root, 'tmp'))).toEqual([])
  })

  test('adopting moves a temp file, or drops it if the blob is there', async () => {
    const store = await fresh()
    for (const round of [1, 2]) {
      const temp = store.tempPath(`round ${round}/../x`)
      writeFileSync(temp, 'layer', { mode: 0o600 })
      await store.blobs.adopt(temp, { digest: digestOf('layer'), size: 5 })
      expect(existsSync(temp)).toBe(false)
    }
    expect(statSync(store.blobs.pathOf(digestOf('layer'))).mode & 0o777).toBe(0o644)
  })

  test('a temp file of another size than said is not adopted', async () => {
    const store = await fresh()
    const temp = store.tempPath('short')
    writeFileSync(temp, 'lay')
    const blob = { digest: digestOf('layer'), size: 5 }
    await expect(store.blobs.adopt(temp, blob)).rejects.toMatchObject({ code: 'store-corrupt' })
  })
})

describe('images', () => {
  test('are found by what they are called, and dangle when their name moves on', async () => {
    const store = await fresh()
    const old = await putTiny(store, 'one', ['docker.io/library/app:latest'])
    const young = await putTiny(store, 'two', ['docker.io/library/app:latest'])
    expect((await store.images.resolve('app')).id).toBe(young.config.descriptor.digest)
    const dangling = await store.images.resolve(old.config.descriptor.digest.slice(7, 19))
    expect(dangling).toMatchObject({ names: [], manifest: old.manifest.descriptor })
  })

  test('are tagged, untagged, noted and removed', async () => {
    const { images, ...store } = await fresh()
    const { manifest } = await putTiny({ images, ...store }, 'one', [])
    const { digest } = manifest.descriptor
    await images.tag(digest, 'localhost:5000/a:1')
    await images.tag(digest, 'localhost:5000/a:2')
    await images.noteRepoDigest(digest, `localhost:5000/a@${digest}`)
    expect((await images.resolve('localhost:5000/a:1')).names).toEqual(['localhost:5000/a:1', 'localhost:5000/a:2'])
    await images.untag('localhost:5000/a:1')
    await expect(images.untag('localhost:5000/a:1')).rejects.toMatchObject({ code: 'image-not-found' })
    await expect(images.resolve('localhost:5000/a:1')).rejects.toMatchObject({ code: 'image-not-found' })
    expect((await images.resolve(`localhost:5000/a@${digest}`)).names).toEqual(['localhost:5000/a:2'])
    await images.remove(digest)
    expect(await images.list()).toEqual([])
    await expect(images.tag(digest, 'x')).rejects.toMatchObject({ code: 'image-not-found' })
  })

  test('storing the same image under the same name again writes nothing', async () => {
    const store = await fresh()
    await putTiny(store, 'one', ['docker.io/library/a:latest'])
    const before = statSync(join(store.root, 'oci-v1/index.json'), { bigint: true }).ino
    await putTiny(store, 'one', ['docker.io/library/a:latest'])
    expect(statSync(join(store.root, 'oci-v1/index.json'), { bigint: true }).ino).toBe(before)
  })

  test('a damaged index names nothing, and is kept beside the next one', async () => {
    const store = await fresh()
    const index = join(store.root, 'oci-v1/index.json')
    writeFileSync(index, '{"manif')
    expect(await store.images.list()).toEqual([])
    await putTiny(store, 'one', ['docker.io/library/a:latest'])
    expect(await store.images.list()).toHaveLength(1)
    expect(readFileSync(`${index}.damaged`, 'utf8')).toBe('{"manif')
  })

  test.skipIf(lacks('tools', missingTools('skopeo')))(
    'are read by skopeo, and what skopeo puts is read by wherry',
    async () => {
      const store = await fresh()
      const { config, manifest } = await putTiny(store, 'one', ['docker.io/library/a:latest'])
      const layout = `oci:${join(store.root, 'oci-v1')}`
      const inspected = JSON.parse(run('skopeo', 'inspect', `${layout}:docker.io/library/a:latest`)) as {
        Digest: string
      }
      expect(inspected.Digest).toBe(manifest.descriptor.digest)
      run('skopeo', 'copy', '-q', `${layout}:docker.io/library/a:latest`, `${layout}:foreign`)
      expect((await store.images.resolve('foreign')).id).toBe(config.descriptor.digest)
    },
  )
})

describe('opening', () => {
  test('is cheap, keeps what is there, and makes what is missing', async () => {
    const store = await fresh()
    await putTiny(store, 'one', ['docker.io/library/a:latest'])
    const before = readdirSync(store.root)
    const start = performance.now()
    const again = await openStore(store.root)
    expect(performance.now() - start).toBeLessThan(50)
    expect(readdirSync(store.root)).toEqual(before)
    expect(await again.images.list()).toHaveLength(1)
    expect(statSync(store.root).mode & 0o77).toBe(process.geteuid?.() === 0 ? 0o11 : 0)
  })

  test('a folder that cannot be used is named', async () => {
    const file = join(tempDir(), 'file')
    writeFileSync(file, '')
    await expect(openStore(join(file, 'store'))).rejects.toMatchObject({ code: 'io' })
  })
})

describe('steps and layers', () => {
  test('records come back; a damaged one is a miss', async () => {
    const { steps, layers, root } = await fresh()
    const key = digestOf('key')
    expect(await steps.get(key)).toBeUndefined()
    await steps.put(key, { fidelity: 'exact', description: 'RUN x', createdAt: 'now' })
    expect(await steps.get(key)).toEqual({ fidelity: 'exact', description: 'RUN x', createdAt: 'now' })
    const [file = ''] = readdirSync(join(root, 'steps-v1'), { recursive: true, encoding: 'utf8' }).filter((f) =>
      f.endsWith('.json'),
    )
    writeFileSync(join(root, 'steps-v1', file), '{"version":1,"fid')
    expect(await steps.get(key)).toBeUndefined()
    expect(await layers.get(key)).toBeUndefined()
  })

  test('facts noted at once are all kept', async () => {
    const { layers } = await fresh()
    const diffId = digestOf('layer')
    const sources = Array.from({ length: 20 }, (_, i) => ({ repository: `localhost/r${i}`, digest: digestOf(`${i}`) }))
    await Promise.all(sources.map((source) => layers.note({ diffId, sources: [source] })))
    expect((await layers.get(diffId))?.sources).toHaveLength(20)
  })

  test('a contents list is adopted and read', async () => {
    const store = await fresh()
    const { encodeContents } = await import('../../src/store/contents-codec.ts')
    const entry = { path: 'a\xff', type: 'dir', mode: 0o755, uid: 1, gid: 2, size: 0, mtime: 5n } as const
    const temp = store.tempPath('contents')
    writeFileSync(temp, encodeContents([entry]))
    await store.layers.adoptContents(digestOf('layer'), temp)
    expect(await store.layers.contents(digestOf('layer'))).toEqual([entry])
    expect(existsSync(store.layers.contentsPathOf(digestOf('layer')))).toBe(true)
  })

  test('a step that is used again counts as used', async () => {
    const { steps, root } = await fresh()
    const key = digestOf('key')
    await steps.put(key, { fidelity: 'exact', description: '', createdAt: '' })
    const file = join(root, 'steps-v1', key.slice(7, 9), `${key.slice(7)}.json`)
    utimesSync(file, 1000, 1000)
    await steps.get(key)
    expect(statSync(file).mtimeMs).toBeGreaterThan(Date.now() - 60_000)
  })
})

test('a snapshot folder is made once', async () => {
  const store = await fresh()
  const dir = await store.snapshotsDir('overlay-0')
  chmodSync(dir, 0o700)
  expect(await store.snapshotsDir('overlay-0')).toBe(dir)
  expect(statSync(dir).mode & 0o777).toBe(0o700)
})
