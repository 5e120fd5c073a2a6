/** The tests of the embedded registry under load, as short or as long as is asked for. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Load, loadRegistry, lostOf } from './registry-load.ts'
import { tempDir } from './temp.ts'
import { serveRegistry } from './wherry.ts'

const clients = 32

/** Defines them; each loads a server for `ms` milliseconds. */
export function loadTests(ms: number): void {
  test(`${clients} clients at once get every byte right, and no error`, async () => {
    const server = await serveRegistry({ dir: tempDir() })
    const load = await loadRegistry({ address: server.address, clients, ms })
    const lost = await lostOf(server.address, load.acknowledged)
    await server.stop()
    tell('at once', load)
    expect(load.failures).toEqual([])
    expect(lost).toEqual([])
    expect(load.images).toBeGreaterThan(0)
  })

  test('a server that is killed in between has lost nothing that it acknowledged', async () => {
    const home = { dir: tempDir() }
    let server = await serveRegistry(home)
    const { address } = server
    const loading = loadRegistry({ address, clients, ms, isKilled: true })
    const ended = loading.then(() => true)
    let kills = 0
    while (!(await Promise.race([ended, delay(ms / 6 + Math.random() * 200, false)]))) {
      await server.kill()
      server = await serveRegistry(home, address)
      kills++
    }
    const load = await loading
    const lost = await lostOf(address, load.acknowledged)
    await server.stop()
    tell(`with ${kills} kills`, load)
    expect(load.failures).toEqual([])
    expect(lost).toEqual([])
    expect(kills).toBeGreaterThan(1)
  })
}

function tell(how: string, { images, bytes, acknowledged, failures }: Load): void {
  const megabytes = Math.round(bytes / 1e6)
  process.stderr.write(
    `${clients} clients ${how}: ${images} images, ${megabytes} MB, ${acknowledged.size} things acknowledged, ${failures.length} failures\n`,
  )
}
