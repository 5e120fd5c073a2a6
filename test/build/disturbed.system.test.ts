/** Builds that are cancelled at every kind of point, or fail beside others: what is left of them, and the next build. */
import { once } from 'node:events'
import { truncateSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, type Server, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isCancelled } from '../../src/core/errors.ts'
import type { BuildEvent } from '../../src/core/events.ts'
import { type BuildBench, openBuildBench } from '../support/build-bench.ts'
import { noStaticBusybox } from '../support/busybox.ts'
import { lacks, noUserNamespace } from '../support/need.ts'
import { pushImage } from '../support/push-image.ts'
import { rawTar } from '../support/raw-tar.ts'
import { type TestRegistry, startEmbeddedRegistry } from '../support/registries.ts'
import { argumentsOfAll } from '../support/secret-search.ts'

const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())

/** Longer than any test may last, and like no other process's. */
const forever = String(1_000_000 + process.pid)
const sleepers = (): string[] => argumentsOfAll().filter((line) => line.includes(forever))
const box = ['COPY --chmod=755 busybox /busybox']
const run = (script: string): string => `RUN ${JSON.stringify(['/busybox', 'sh', '-c', script])}`

describe.skipIf(isMissing)('a build', () => {
  let bench: BuildBench
  beforeAll(async () => {
    bench = await openBuildBench()
    await bench.build(['FROM scratch', ...box, run('/busybox true')])
  })
  afterAll(() => bench.close())

  /** Builds, ends the build when `isPoint`, after `delay` ms, and holds what is left to the promises. */
  const cancelled = async (
    dockerfile: readonly string[],
    isPoint: (event: BuildEvent) => boolean,
    { delay = 0, ...more }: { delay?: number } & Parameters<BuildBench['build']>[2] = {},
  ): Promise<void> => {
    let abortedAt = 0
    const outcomes: string[] = []
    const ended = await bench
      .build(
        dockerfile,
        (event, abort) => {
          if (event.type === 'build-finished') outcomes.push(event.outcome)
          if (abortedAt > 0 || !isPoint(event)) return
          abortedAt = performance.now() + delay
          if (delay === 0) abort()
          else setTimeout(abort, delay)
        },
        more,
      )
      .then(
        () => 'built',
        (error: unknown) => (isCancelled(error) ? 'cancelled' : error),
      )
    expect(ended).toBe('cancelled')
    expect(outcomes).toEqual(['cancelled'])
    expect(performance.now() - abortedAt).toBeLessThan(4000)
    expect(sleepers()).toEqual([])
    // A compression that was cut off deletes its file right after.
    await expect.poll(() => bench.leftovers(), { timeout: 2000 }).toEqual([])
  }
  const starts = (event: BuildEvent): boolean => event.type === 'step-started'
  const says = (text: string) => (event: BuildEvent) => event.type === 'step-output' && event.text.includes(text)

  describe('that is cancelled', () => {
    test('while the context is read', async () => {
      const file = join(bench.context, 'large')
      writeFileSync(file, '')
      truncateSync(file, 64 * 2 ** 30)
      const dockerfile = ['FROM scratch', 'COPY large /']
      await cancelled(dockerfile, ({ type }) => type === 'plan', { delay: 200 })
      truncateSync(file, 10)
      await bench.build(dockerfile)
    })

    test('in a RUN', async () => {
      const dockerfile = (time: string): string[] => ['FROM scratch', ...box, run(`echo now; /busybox sleep ${time}`)]
      await cancelled(dockerfile(forever), says('now'))
      await cancelled(dockerfile(forever), starts)
      await bench.build(dockerfile('0'))
    })

    test('while a layer is sealed', async () => {
      const file = join(bench.dir, 'size')
      const secrets = [{ id: 'size', file }]
      const dockerfile = [
        ...['FROM scratch', ...box],
        `RUN --mount=type=secret,id=size,required ${JSON.stringify(['/busybox', 'sh', '-c', '/busybox truncate -s $(/busybox cat /run/secrets/size) /large; echo sealing'])}`,
      ]
      writeFileSync(file, '4G')
      await cancelled(dockerfile, says('sealing'), { delay: 300, secrets })
      writeFileSync(file, '10')
      await bench.build(dockerfile, undefined, { secrets })
    })

    test('when a step has ended, before the image is there', async () => {
      const dockerfile = ['FROM scratch', ...box, run('echo x > /published')]
      const tags = ['docker.io/library/published:latest']
      await cancelled(dockerfile, (event) => event.type === 'step-finished' && event.outcome === 'done', { tags })
      const outcomes: string[] = []
      await bench.build(dockerfile, (event) => event.type === 'step-finished' && void outcomes.push(event.outcome), {
        tags,
      })
      // What was done is done.
      expect(outcomes.filter((outcome) => outcome === 'cached').length).toBeGreaterThan(0)
    })

    describe('while a registry', () => {
      let registry: TestRegistry
      let gate: Gate
      beforeAll(async () => {
        registry = await startEmbeddedRegistry()
        gate = await startGate(registry.address)
        await pushImage(registry.address, 'stalled', [rawTar([{ name: 'f', mode: 0o644, data: 'base' }])])
      })
      afterAll(async () => {
        await gate.close()
        await registry.stop()
      })

      test('sends a layer of the base', async () => {
        const dockerfile = [`FROM ${gate.address}/stalled`, ...box, run('/busybox cat /f')]
        gate.holds = ({ method, url = '' }) => method === 'GET' && url.includes('/blobs/')
        // The config is a blob too: the first build stops there, the second at the layer.
        await cancelled(dockerfile, ({ type }) => type === 'build-started', { delay: 500 })
        let blobs = 0
        gate.holds = ({ method, url = '' }) => method === 'GET' && url.includes('/blobs/') && ++blobs > 1
        await cancelled(dockerfile, ({ type }) => type === 'transfer-started', { delay: 300 })
        gate.holds = () => false
        await bench.build(dockerfile)
      })

      test('takes the image', async () => {
        const dockerfile = ['FROM scratch', ...box, run('echo x > /pushed')]
        const form = {
          packing: { force: false, docker: false },
          rewriteTimestamp: false,
          annotations: [],
        } as const
        const names = [`${gate.address}/pushed:latest`]
        const outputs = [{ type: 'image', names, push: 'tag', digestNames: [], form }] as const
        // By POST the registry is asked before the build whether it will take the image.
        gate.holds = ({ method }) => method === 'PUT' || method === 'PATCH'
        await cancelled(dockerfile, ({ type }) => type === 'image', { delay: 500, outputs })
        gate.holds = () => false
        await bench.build(dockerfile, undefined, { outputs })
        const answer = await fetch(`http://${registry.address}/v2/pushed/manifests/latest`, { method: 'HEAD' })
        expect(answer.status).toBe(200)
      })
    })
  })

  test('with a failing step stops the steps beside it, and names the one that failed', async () => {
    const dockerfile = [
      ...['FROM scratch AS slow', ...box, run(`echo slow; /busybox sleep ${forever}`)],
      ...['FROM scratch AS slower', ...box, run(`echo slower; /busybox sleep ${forever}; /busybox true`)],
      ...['FROM scratch AS bad', ...box, run('/busybox sleep 1; exit 7')],
      ...[
        'FROM scratch',
        'COPY --from=slow /busybox /1',
        'COPY --from=slower /busybox /2',
        'COPY --from=bad /busybox /3',
      ],
    ]
    const ids = new Map<string, string>()
    const ended = new Map<string, string>()
    const seen: string[] = []
    const started = performance.now()
    const building = bench.build(dockerfile, (event) => {
      if (event.type === 'plan') for (const { id, stage, text } of event.steps) ids.set(id, `${stage} ${text}`)
      if (event.type === 'step-output') seen.push(event.text.trim())
      if (event.type === 'step-finished') ended.set(ids.get(event.id)!.split(' RUN')[0]!, event.outcome)
    })
    await expect(building).rejects.toMatchObject({
      code: 'run-failed',
      message: expect.stringContaining('exit code: 7') as string,
      at: { startLine: 9 },
    })
    expect(performance.now() - started).toBeLessThan(8000)
    expect(seen.toSorted()).toEqual(['slow', 'slower'])
    expect([ended.get('slow'), ended.get('slower'), ended.get('bad')]).toEqual(['cancelled', 'cancelled', 'failed'])
    expect(sleepers()).toEqual([])
    expect(bench.leftovers()).toEqual([])
    const fixed = dockerfile.map((line) => line.replaceAll(forever, '0').replace('exit 7', 'exit 0'))
    await bench.build(fixed)
  })
})

/** A proxy before a registry that never answers what it holds. */
interface Gate {
  readonly address: string
  holds: (request: IncomingMessage) => boolean
  close(): Promise<void>
}

async function startGate(upstream: string): Promise<Gate> {
  const gate: Gate = { address: '', holds: () => false, close: () => closed(server) }
  const server = createServer((asked, answer) => {
    if (gate.holds(asked)) return
    const { method, headers } = asked
    const passed = request(`http://${upstream}${asked.url ?? ''}`, { method, headers }, (given) => {
      answer.writeHead(given.statusCode ?? 502, given.headers)
      given.pipe(answer)
    })
    passed.on('error', () => answer.destroy())
    asked.pipe(passed)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(gate, { address: `127.0.0.1:${(server.address() as AddressInfo).port}` })
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
}
