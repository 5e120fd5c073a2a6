/** What an empty store moves over the network when a cache in the registry knows most of the build. */
import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { busybox, noStaticBusybox } from '../support/busybox.ts'
import { type CountingProxy, type Moved, countBytes } from '../support/counting-proxy.ts'
import { type DebianRegistry, startDebianRegistry } from '../support/debian-registry.ts'
import { lacks, missingTools, noUserNamespace } from '../support/need.ts'
import { type Home, newHome } from '../support/wherry.ts'

const isMissing =
  lacks('userns', noUserNamespace()) ||
  lacks('tools', noStaticBusybox()) ||
  lacks('tools', missingTools('docker-registry'))

/** Bytes of the base image and of the dependencies, which nothing compresses. */
const large = 20 << 20

const dockerfile = `ARG BASE
FROM $BASE
WORKDIR /app
COPY deps ./deps
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox ls deps > deps.list"]
COPY src ./src
`

describe.skipIf(isMissing)('an empty store with a cache in the registry', () => {
  let home: Home
  let registry: DebianRegistry
  let proxy: CountingProxy
  let context: string
  beforeAll(async () => {
    home = await newHome()
    registry = await startDebianRegistry()
    proxy = await countBytes(registry.address)
    const base = join(home.dir, 'base')
    await mkdir(base)
    await copyFile(busybox, join(base, 'busybox'))
    await writeFile(join(base, 'large'), randomBytes(large))
    await writeFile(join(base, 'Dockerfile'), 'FROM scratch\nCOPY busybox /bin/\nCOPY large /\n')
    await home.ok('build', '-q', '--push', '-t', `${registry.address}/moved/base`, base)
    context = join(home.dir, 'context')
    for (const folder of ['deps', 'src']) await mkdir(join(context, folder), { recursive: true })
    await writeFile(join(context, 'deps', 'large'), randomBytes(large))
    for (let i = 0; i < 200; i++) await writeFile(join(context, 'src', `file-${i}`), `${i}\n`.repeat(100))
    await writeFile(join(context, 'Dockerfile'), dockerfile)
    await build('first')
  })
  afterAll(async () => {
    await proxy.stop()
    await registry.stop()
    await home.remove()
  })

  /** Builds and pushes with an empty store. */
  const build = async (name: string): Promise<Moved & { output: string }> => {
    const at = `${proxy.address}/moved`
    proxy.moved()
    const ran = await home.run([
      ...['build', '--root', join(home.dir, name), '--progress=plain', '--push', '-t', `${at}/app:${name}`],
      ...[`--build-arg=BASE=${at}/base`, `--cache-from=${at}/cache`],
      ...[`--cache-to=type=registry,ref=${at}/cache,mode=max,emulated=true`, context],
    ])
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    return { ...proxy.moved(), output: ran.stdout + ran.stderr }
  }

  it('moves manifests only, if nothing changed', async () => {
    const { up, down, output } = await build('again')
    expect(output).not.toMatch(/\] DONE/)
    process.stderr.write(`unchanged: ${up} bytes up, ${down} down\n`)
    expect(up + down).toBeLessThan(200_000)
  })

  it('moves the layer of what changed, and nothing that it is put on', async () => {
    await writeFile(join(context, 'src', 'file-7'), 'changed\n')
    const { up, down, output } = await build('changed')
    expect([...output.matchAll(/\] DONE/g)]).toHaveLength(1)
    process.stderr.write(`one source changed: ${up} bytes up, ${down} down\n`)
    expect(up + down).toBeLessThan(300_000)
  })
})
