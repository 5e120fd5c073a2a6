/** The tests of the embedded registry under load, as short or as long as is asked for. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Digest } from '../../src/core/digest.ts'
import { type Load, loadRegistry, lostOf } from './registry-load.ts'
import { tempDir } from './temp.ts'
import { serveRegistry } from './wherry.ts'

const clients = 32
const leastKills = 2
/** A server lives no longer than this after its first answers, in milliseconds. */
const longestRun = 5000

/** Defines them; each loads a server for `ms` milliseconds or a little longer. */
export function loadTests(ms: number): void {
  test(`${clients} clients at once get every byte right, and no error`, async () => {
    const server = await serveRegistry({ dir: tempDir() })
    const acknowledged = new Map<string, Digest>()
    const end = performance.now() + ms
    const isOver = (): boolean => performance.now() > end
    const load = await loadRegistry({ address: server.address, clients, isOver, acknowledged })
    const lost = await lostOf(server.address, acknowledged)
    await server.stop()
    tell('at once', load, acknowledged)
    expect(load.failures).toEqual([])
    expect(lost).toEqual([])
    expect(load.images).toBeGreaterThan(0)
  })

  test('a server that is killed in between has lost nothing that it acknowledged', async () => {
    const home = { dir: tempDir() }
    let server = await serveRegistry(home)
    const { address } = server
    const acknowledged = new Map<string, Digest>()
    const end = performance.now() + ms
    let kills = 0
    const isOver = (): boolean => performance.now() > end && kills >= leastKills
    const loading = loadRegistry({ address, clients, isOver, acknowledged, isKilled: true })
    while (!isOver()) {
      // Something must have been acknowledged that could be lost.
      const before = acknowledged.size
      await expect.poll(() => acknowledged.size, { timeout: 30_000 }).toBeGreaterThan(before)
      await delay(Math.random() * Math.min(ms, longestRun))
      await server.kill()
      server = await serveRegistry(home, address)
      kills++
    }
    const load = await loading
    const lost = await lostOf(address, acknowledged)
    await server.stop()
    tell(`with ${kills} kills`, load, acknowledged)
    expect(load.failures).toEqual([])
    expect(lost).toEqual([])
    expect(acknowledged.size).toBeGreaterThan(0)
  })
}

function tell(how: string, { images, bytes, failures }: Load, { size }: ReadonlyMap<string, Digest>): void {
  const megabytes = Math.round(bytes / 1e6)
  process.stderr.write(
    `${clients} clients ${how}: ${images} images, ${megabytes} MB, ${size} things acknowledged, ${failures.length} failures\n`,
  )
}
