/** Images behind a slow line: what has come is not asked for again, and is unpacked while the rest is on its way. */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { busybox, noStaticBusybox } from '../support/busybox.ts'
import { type CountingProxy, countBytes } from '../support/counting-proxy.ts'
import { lacks, noUserNamespace } from '../support/need.ts'
import { pushImage } from '../support/push-image.ts'
import { rawTar } from '../support/raw-tar.ts'
import { type Home, type ServedRegistry, finished, newHome, serveRegistry } from '../support/wherry.ts'

const skipped = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())
/** Bytes of the large layer, and how many of them come in a second. */
const large = 6 << 20
const rate = 4 << 20

describe.skipIf(skipped)('behind a slow line', () => {
  let home: Home
  let registry: ServedRegistry
  let proxy: CountingProxy
  let name: string
  beforeAll(async () => {
    home = await newHome()
    registry = await serveRegistry(home)
    proxy = await countBytes(registry.address, rate)
    const noise = Array.from({ length: 6 }, (_, i) => ({ name: `noise-${i}`, data: randomBytes(large / 6) }))
    const program = { name: 'busybox', mode: 0o755, data: await readFile(busybox) }
    await pushImage(registry.address, 'slow/base', [rawTar([program]), rawTar(noise)])
    name = `${proxy.address}/slow/base:latest`
  })
  afterAll(async () => {
    await proxy.stop()
    await registry.stop()
    await home.remove()
  })

  /** Names below a folder of a store, with their sizes. */
  const sizesIn = async (...path: readonly string[]): Promise<ReadonlyMap<string, number>> => {
    const folder = join(home.dir, ...path)
    const names = await readdir(folder, { recursive: true }).catch(() => [])
    const sizes = await Promise.all(names.map((each) => stat(join(folder, each)).catch(() => undefined)))
    return new Map(names.map((each, i) => [each, sizes[i]?.isFile() === true ? sizes[i].size : 0]))
  }
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    for (let tries = 0; !(await holds()); tries++) {
      if (tries > 1000) throw new Error('waited in vain')
      await delay(10)
    }
  }

  it('a pull that is killed goes on where it was', async () => {
    const pull = ['pull', '--root', join(home.dir, 'pulled'), name]
    const child = home.start(pull)
    const ended = finished(child)
    const come = async (): Promise<number> => Math.max(0, ...(await sizesIn('pulled', 'tmp')).values())
    await until(async () => (await come()) > large / 2)
    child.kill('SIGKILL')
    await ended
    proxy.moved()
    const ran = await home.run(pull)
    expect(ran.code, ran.stderr).toBe(0)
    expect(proxy.moved().down).toBeLessThan(large * 0.6)
    const blobs = await sizesIn('pulled', 'oci-v1', 'blobs', 'sha256')
    expect(Math.max(...blobs.values())).toBeGreaterThan(large)
    expect([...(await sizesIn('pulled', 'tmp')).keys()].filter((each) => each.startsWith('arriving'))).toEqual([])
  })

  it('a push that is killed goes on where the registry stands', async () => {
    const root = ['--root', join(home.dir, 'pushed')]
    const [target, context] = [`${proxy.address}/slow/pushed`, join(home.dir, 'push')]
    await mkdir(context)
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY noise /\n')
    await writeFile(join(context, 'noise'), randomBytes(large))
    await home.run(['build', ...root, '-t', target, context])
    proxy.moved()
    const child = home.start(['push', ...root, target])
    const ended = finished(child)
    await until(() => Promise.resolve(proxy.soFar().up > large * 0.7))
    child.kill('SIGKILL')
    await ended
    proxy.moved()
    const ran = await home.run(['push', ...root, target])
    expect(ran.code, ran.stderr).toBe(0)
    // What was on the line when it was killed is lost.
    expect(proxy.moved().up).toBeLessThan(large * 0.9)
    const pulled = await home.run(['pull', '--root', join(home.dir, 'again'), `${registry.address}/slow/pushed`])
    expect(pulled.code, pulled.stderr).toBe(0)
  })

  it('a base is unpacked while it comes', async () => {
    const context = join(home.dir, 'context')
    await mkdir(context)
    await writeFile(join(context, 'Dockerfile'), `FROM ${name}\nRUN ["/busybox", "sh", "-c", "/busybox ls > /list"]\n`)
    const root = 'built'
    const child = home.start(['build', '--root', join(home.dir, root), '-t', 'built', context])
    const ended = finished(child)
    const isUnpacked = async (): Promise<boolean> =>
      [...(await sizesIn(root, 'snapshots-v1'))].some(([each, size]) => each.endsWith('noise-1') && size === large / 6)
    await until(isUnpacked)
    const blobs = await sizesIn(root, 'oci-v1', 'blobs', 'sha256')
    expect(Math.max(...blobs.values())).toBeLessThan(large)
    const ran = await ended
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    const listed = await home.run(['run', '--root', join(home.dir, root), '--rm', 'built', '/busybox', 'cat', '/list'])
    expect(listed.stdout).toContain('noise-5')
  })
})
