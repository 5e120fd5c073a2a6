/** What empty disks move over the network when a cache in the registry knows the build, on a real base: wherry's bytes beside buildah's. */
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CountingProxy, type Moved, countBytes } from '../support/counting-proxy.ts'
import { type DebianRegistry, startDebianRegistry } from '../support/debian-registry.ts'
import { lacks, missingTools, noRegistry, noUserNamespace, testRegistry } from '../support/need.ts'
import { type Home, finished, newHome } from '../support/wherry.ts'

const isMissing = [
  lacks('userns', noUserNamespace()),
  lacks('registry', noRegistry()),
  lacks('tools', missingTools('docker-registry', 'skopeo', 'buildah')),
].includes(true)

/** Like a project in a scripting language: dependencies, a step over them, sources. */
const dockerfile = `ARG BASE
FROM $BASE
WORKDIR /app
COPY deps ./deps
RUN ls deps > deps.list
COPY src ./src
CMD ["cat", "/app/deps.list"]
`

const depsBytes = 20 << 20

interface Measured extends Moved {
  readonly seconds: number
}

describe.skipIf(isMissing)('empty disks with a cache in the registry, on the Debian base', () => {
  let home: Home
  let registry: DebianRegistry
  let proxy: CountingProxy
  let context: string
  beforeAll(async () => {
    home = await newHome()
    registry = await startDebianRegistry()
    proxy = await countBytes(registry.address)
    const base = [`docker://${testRegistry}/conformance/debian`, `docker://${registry.address}/moved/base`]
    execFileSync('skopeo', ['copy', '-q', '--src-tls-verify=false', '--dest-tls-verify=false', ...base])
    context = join(home.dir, 'context')
    for (const folder of ['deps', 'src']) await mkdir(join(context, folder), { recursive: true })
    await writeFile(join(context, 'deps', 'large'), randomBytes(depsBytes))
    for (let i = 0; i < 500; i++) await writeFile(join(context, 'src', `file-${i}`), `${i}\n`.repeat(200))
    await writeFile(join(context, 'Dockerfile'), dockerfile)
  })
  afterAll(async () => {
    await proxy.stop()
    await registry.stop()
    await home.remove()
  })

  const at = (builder: string): string => `${proxy.address}/moved/${builder}`
  const measured = async (work: () => Promise<void>): Promise<Measured> => {
    proxy.moved()
    const began = performance.now()
    await work()
    return { ...proxy.moved(), seconds: (performance.now() - began) / 1000 }
  }
  const run = async (program: string, args: readonly string[]): Promise<void> => {
    const env = { ...process.env, HOME: home.dir, XDG_RUNTIME_DIR: join(home.dir, 'run') }
    const ran = await finished(spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] }))
    expect(ran.code, `${program} ${args.join(' ')}\n${ran.stdout}${ran.stderr}`).toBe(0)
  }
  const base = (): string => `--build-arg=BASE=${proxy.address}/moved/base`

  /** Each builds and pushes to a new tag, with an empty disk. */
  const builders = {
    wherry: async (name: string): Promise<Measured> => {
      const cache = `${at('wherry')}/cache`
      return measured(async () => {
        await home.ok(
          ...['build', '--root', join(home.dir, `wherry-${name}`), '-q', '--push', '-t', `${at('wherry')}/app:${name}`],
          ...[base(), `--cache-from=${cache}`, `--cache-to=type=registry,ref=${cache},mode=max,emulated=true`, context],
        )
      })
    },
    buildah: async (name: string): Promise<Measured> => {
      const root = join(home.dir, `buildah-${name}`)
      const storage = ['--root', root, '--runroot', `${root}-run`, '--storage-driver', 'vfs']
      const [cache, tag] = [`${at('buildah')}/cache`, `${at('buildah')}/app:${name}`]
      const result = await measured(async () => {
        await run('buildah', [
          ...[...storage, 'build', '--layers', '--isolation', 'chroot', '--network', 'host', '--tls-verify=false'],
          ...[`--cache-from=${cache}`, `--cache-to=${cache}`, base(), '-t', tag, context],
        ])
        await run('buildah', [...storage, 'push', '--tls-verify=false', tag])
      })
      await rm(root, { recursive: true, force: true })
      return result
    },
  }

  it('move what the table says', async () => {
    const rows: string[] = []
    const results = new Map<string, Measured>()
    const note = (builder: string, what: string, one: Measured): void => {
      results.set(`${builder} ${what}`, one)
      const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(0)
      rows.push(`| ${what} | ${builder} | ${kilobytes(one.up)} | ${kilobytes(one.down)} | ${one.seconds.toFixed(1)} |`)
    }
    for (const [builder, build] of Object.entries(builders)) note(builder, 'first build', await build('first'))
    for (const [builder, build] of Object.entries(builders)) note(builder, 'unchanged', await build('again'))
    await writeFile(join(context, 'src', 'file-7'), 'changed\n')
    for (const [builder, build] of Object.entries(builders)) note(builder, 'one source changed', await build('changed'))
    process.stderr.write(
      `\n| build | with | KB up | KB down | seconds |\n| --- | --- | --- | --- | --- |\n${rows.join('\n')}\n`,
    )
    const moved = (what: string): number => {
      const { up, down } = results.get(`wherry ${what}`)!
      return up + down
    }
    expect(moved('unchanged')).toBeLessThan(200_000)
    // The changed layer goes up, and nothing comes down but what there is in the layers below: a list of 6,000 files.
    expect(moved('one source changed')).toBeLessThan(400_000)
  })
})
