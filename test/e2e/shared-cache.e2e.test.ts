/** Caches that builds share, through the program: a registry, a folder, the image itself; what is wrong with them is a miss. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { copyFile, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { busybox, noStaticBusybox } from '../support/busybox.ts'
import { type DebianRegistry, startDebianRegistry } from '../support/debian-registry.ts'
import { lacks, missingTools, noUserNamespace } from '../support/need.ts'
import { type Home, type Ran, newHome } from '../support/wherry.ts'

const isMissing =
  lacks('userns', noUserNamespace()) ||
  lacks('tools', noStaticBusybox()) ||
  lacks('tools', missingTools('docker-registry'))

const dockerfile = `FROM scratch AS build
COPY busybox /bin/busybox
COPY source /source
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox wc -c < /source > /made; /bin/busybox date > /when; /bin/busybox date > /rest"]
FROM scratch
COPY busybox /bin/busybox
COPY --from=build /made /when /
RUN ["/bin/busybox", "touch", "/last"]
CMD ["/bin/busybox", "cat", "/made"]
`

describe.skipIf(isMissing)('a shared cache', () => {
  let home: Home
  let registry: DebianRegistry
  let context: string
  let stores = 0
  beforeAll(async () => {
    home = await newHome()
    registry = await startDebianRegistry()
    context = await mkdtemp(join(home.dir, 'context-'))
    await copyFile(busybox, join(context, 'busybox'))
    await writeFile(join(context, 'Dockerfile'), dockerfile)
    await writeFile(join(context, 'source'), 'one\n')
  })
  afterAll(async () => {
    await registry.stop()
    await home.remove()
  })

  /** Builds with an empty store; emulated results count, so that every mode can share. */
  const build = async (...args: string[]): Promise<Ran> => {
    const root = join(home.dir, `store-${stores++}`)
    const ran = await home.run(['build', '--progress=plain', '--root', root, ...args, context])
    // The given root wins over the home's own.
    return ran
  }
  const ok = async (...args: string[]): Promise<string> => {
    const ran = await build(...args)
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    return ran.stdout + ran.stderr
  }
  const idOf = (output: string): string => /^image (\S+)$/m.exec(output)?.[1] ?? ''
  const executed = (output: string): string[] =>
    [...output.matchAll(/^\[(.*)\] DONE/gm)].map(([, name = '']) => name.split(' ').at(-1)!.split('/')[0]!)
  const cache = (name: string): string => `${registry.address}/${name}/cache`
  const toRegistry = (name: string, more = ''): string =>
    `--cache-to=type=registry,ref=${cache(name)},emulated=true${more}`

  it('in a registry lets an empty store build nothing, and move no layer', async () => {
    const first = await ok(toRegistry('whole', ',mode=max'), `-t${registry.address}/whole/app:1`, '--push')
    expect(executed(first)).toHaveLength(6)
    await registry.requests()
    const again = await ok(`--cache-from=${cache('whole')}`, `-t${registry.address}/whole/app:2`, '--push')
    expect(executed(again)).toEqual([])
    expect(idOf(again)).toBe(idOf(first))
    const asked = await registry.requests()
    expect(asked.filter((one) => one.startsWith('GET') && one.includes('/blobs/sha256:'))).toEqual([])
    expect(asked.filter((one) => /^(PUT|PATCH) .*\/blobs\/uploads/.test(one))).toEqual([])
  })

  it('knows what base images hold: to copy onto one, nothing of it is fetched', async () => {
    const base = `${registry.address}/onto/base`
    await ok(`-t${base}`, '--push')
    const onto = [`--build-arg=BASE=${base}`, `-f${join(context, 'onto')}`]
    await writeFile(join(context, 'onto'), 'ARG BASE\nFROM $BASE\nCOPY source /bin/\n')
    await ok(toRegistry('onto'), ...onto, `-t${registry.address}/onto/app:1`, '--push')
    await writeFile(join(context, 'source'), 'changed\n')
    const again = await ok(`--cache-from=${cache('onto')}`, ...onto, `-t${registry.address}/onto/app:2`, '--push')
    await writeFile(join(context, 'source'), 'one\n')
    expect(executed(again)).toHaveLength(1)
    expect(again).not.toMatch(/^pull(ing|ed) /m)
  })

  it('with mode=min has the steps of the image only', async () => {
    for (const mode of ['min', 'max']) await ok(toRegistry(mode, `,mode=${mode}`))
    // What a new step takes from the build stage is there only if the stage's own steps are.
    await writeFile(join(context, 'Dockerfile'), dockerfile.replace('/made /when', '/made /when /source'))
    const [least, most] = [await ok(`--cache-from=${cache('min')}`), await ok(`--cache-from=${cache('max')}`)]
    await writeFile(join(context, 'Dockerfile'), dockerfile)
    expect(executed(most)).toHaveLength(2)
    expect(executed(least)).toHaveLength(4)
  })

  it('in a folder can be carried elsewhere by cp and by tar', async () => {
    const folder = join(home.dir, 'carried')
    const first = await ok(`--cache-to=type=local,dest=${folder},mode=max,emulated=true`)
    cpSync(folder, join(home.dir, 'copied'), { recursive: true })
    execFileSync('tar', ['-C', home.dir, '-cf', join(home.dir, 'carried.tar'), 'carried'])
    rmSync(folder, { recursive: true })
    execFileSync('mkdir', [join(home.dir, 'unpacked')])
    execFileSync('tar', ['-C', join(home.dir, 'unpacked'), '-xf', join(home.dir, 'carried.tar')])
    for (const place of ['copied', 'unpacked/carried']) {
      const again = await ok(`--cache-from=type=local,src=${join(home.dir, place)}`)
      expect(executed(again)).toEqual([])
      expect(idOf(again)).toBe(idOf(first))
    }
  })

  it('is filled by several builds, each adding what is new', async () => {
    const folder = `type=local,dest=${join(home.dir, 'several')},mode=max,emulated=true`
    await Promise.all([
      ok(`--cache-to=${folder}`),
      ok(`--cache-to=${folder}`),
      ok(`--cache-to=${folder}`, '--label=a=b'),
    ])
    const source = `--cache-from=type=local,src=${join(home.dir, 'several')}`
    expect(executed(await ok(source))).toEqual([])
    expect(executed(await ok(source, '--label=a=b'))).toEqual([])
  })

  it('inside an image serves the steps of its layers', async () => {
    const name = `${registry.address}/inline/app`
    const first = await ok('--cache-to=type=inline', `-t${name}`, '--push')
    const again = await ok(`--cache-from=${name}`, '--cache-to=type=inline')
    expect(executed(again)).toEqual([])
    expect(idOf(again)).toBe(idOf(first))
    const old = await ok(`--cache-from=${name}`, '--build-arg=BUILDKIT_INLINE_CACHE=1')
    expect(idOf(old)).toBe(idOf(first))
  })

  it('that is damaged is a miss with a warning, never another image', async () => {
    const folder = join(home.dir, 'damaged')
    const to = `--cache-to=type=local,dest=${folder},mode=max,emulated=true`
    await ok(to)
    const blobs = join(folder, 'blobs', 'sha256')
    for (const blob of readdirSync(blobs)) {
      const path = join(blobs, blob)
      const bytes = readFileSync(path)
      const isRecord = bytes.includes('dev.wherry.cache.key')
      if (isRecord)
        writeFileSync(path, bytes.toString().replace('"exact"', '"eXact"').replace('"emulated"', '"eMulated"'))
    }
    const again = await ok(`--cache-from=type=local,src=${folder}`)
    expect(executed(again)).toHaveLength(6)
    expect(again).toContain(`the cache ${folder} has a record that is of no use`)
    // Written over, it is a cache again.
    await ok(to)
    expect(executed(await ok(`--cache-from=type=local,src=${folder}`))).toEqual([])
    for (const blob of readdirSync(blobs)) {
      const path = join(blobs, blob)
      if (statSync(path).size > 100_000) truncateSync(path, 1000)
    }
    const cut = await ok(`--cache-from=type=local,src=${folder}`)
    expect(cut).toContain('was cut')
    expect(executed(cut)).not.toEqual([])
  })

  it('that has records of other steps, or with the layers of others, never makes another image', async () => {
    const folder = join(home.dir, 'poisoned')
    const [to, from] = [
      `--cache-to=type=local,dest=${folder},mode=max,emulated=true`,
      `--cache-from=type=local,src=${folder}`,
    ]
    await ok(to)
    const index = join(folder, 'index.json')
    const good = readFileSync(index, 'utf8')
    const { manifests } = JSON.parse(good) as { manifests: Record<string, unknown>[] }
    const renamed = manifests.map(({ annotations }, i) => ({ ...manifests[(i + 1) % manifests.length], annotations }))
    writeFileSync(index, JSON.stringify({ schemaVersion: 2, manifests: renamed }))
    const foreign = await ok(from)
    expect(foreign).toContain('it is the record of another step')
    expect(executed(foreign)).toHaveLength(6)

    const blob = (digest: string): string => join(folder, 'blobs', 'sha256', digest.slice('sha256:'.length))
    type Written = { layers: { mediaType: string }[] }
    const records = manifests.map(({ digest }) => JSON.parse(readFileSync(blob(digest as string), 'utf8')) as Written)
    const swapped = records.map((record, i) => {
      const bytes = Buffer.from(JSON.stringify({ ...record, layers: records[(i + 2) % records.length]!.layers }))
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
      writeFileSync(blob(digest), bytes)
      return { ...manifests[i], digest, size: bytes.length }
    })
    writeFileSync(index, JSON.stringify({ schemaVersion: 2, manifests: swapped }))
    const out = join(home.dir, 'poisoned-out')
    expect(await ok(from, `-o${out}`)).toContain('its layer is of another step')
    expect(readFileSync(join(out, 'made'), 'utf8')).toBe('4\n')
    expect(readdirSync(out).sort()).toEqual(['bin', 'last', 'made', 'when'])
  })

  it('whose layers are lost once they are needed lets their steps run again', async () => {
    const name = 'lost'
    await ok(toRegistry(name, ',mode=max'))
    await writeFile(join(context, 'source'), 'four\n')
    const proxy = await losing(registry.address)
    try {
      const source = `--cache-from=127.0.0.1:${proxy.port}/${name}/cache`
      const again = await ok(source, `-o${join(home.dir, 'lost-out')}`)
      expect(again).toContain('a cached layer cannot be had, so its step runs again')
      expect(readFileSync(join(home.dir, 'lost-out', 'made'), 'utf8')).toBe('5\n')
    } finally {
      await proxy.stop()
      await writeFile(join(context, 'source'), 'one\n')
    }
  })

  it('that cannot be reached or written fails as asked', async () => {
    const nowhere = '127.0.0.1:1/no/cache'
    expect(await ok(`--cache-from=${nowhere}`)).toContain(`the cache ${nowhere}:latest is not used`)
    const ignored = await ok(`--cache-to=type=registry,ref=${nowhere},ignore-error=true,emulated=true`)
    expect(ignored).toContain('is not written')
    const failed = await build(`--cache-to=type=registry,ref=${nowhere},emulated=true`)
    expect(failed.code).toBe(1)
    expect(failed.stderr).toContain(nowhere.split('/')[0])
  })

  it('is not filled from single mode, unless that is asked for', async () => {
    const folder = join(home.dir, 'single')
    const quiet = await ok('--isolation=single', `--cache-to=type=local,dest=${folder},mode=max`)
    expect(quiet).toMatch(/\d that were made in single mode stay here/)
    expect(executed(await ok('--isolation=single', `--cache-from=type=local,src=${folder}`))).not.toEqual([])
  })
})

/** A way to a registry on which layers are lost: what is asked for by digest is not found. */
async function losing(address: string): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const { createServer } = await import('node:http')
  const server = createServer((request, response) => {
    const url = request.url ?? ''
    const answer = async (): Promise<void> => {
      if (url.includes('/blobs/sha256:')) {
        response.writeHead(404).end()
        return
      }
      const got = await fetch(`http://${address}${url}`, {
        method: request.method,
        headers: { accept: request.headers.accept ?? '*/*' },
      })
      const body = Buffer.from(await got.arrayBuffer())
      const headers = [...got.headers].filter(([name]) => !['content-encoding', 'transfer-encoding'].includes(name))
      response.writeHead(got.status, Object.fromEntries(headers)).end(body)
    }
    answer().catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const found = server.address()
  if (found === null || typeof found === 'string') throw new Error('no port')
  return {
    port: found.port,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
