/** Pushes under seeded faults, by wherry's client and by skopeo, to a real docker-registry; and what became of them. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { WherryError } from '../../src/core/errors.ts'
import { quietScope } from '../../src/core/scope.ts'
import type { RetryPolicy } from '../../src/http/retry.ts'
import { createRegistryClient } from '../../src/registry/client.ts'
import type { Repository } from '../../src/registry/contract.ts'
import { startDebianRegistry } from './debian-registry.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { followPlan, planOf } from './fault-schedule.ts'
import { type TestBlob, blobOf, imageOf, readAll } from './registries.ts'

const run = promisify(execFile)
const scope = quietScope()

/** As patient as wherry is by itself, but quicker. */
const retry: RetryPolicy = { tries: 6, baseMs: 20, maxDelayMs: 1500, totalMs: 10_000 }

/** A push may take this long in all: its questions, its uploads and its last try each have the time of the policy. */
export const boundMs = 3 * retry.totalMs

/** How one push ended. */
export interface Trial {
  readonly seed: number
  /** What was done to it. */
  readonly faults: readonly string[]
  readonly ms: number
  /** `pushed`: the registry has the image, byte for byte. */
  readonly outcome: 'pushed' | 'refused' | 'wrong'
  /** The error, or what is wrong. */
  readonly words: string
}

/** The bench: a registry, two hosts in front of it, an image. */
export interface FaultBench {
  wherry(seed: number): Promise<Trial>
  skopeo(seed: number): Promise<Trial>
  stop(): Promise<void>
}

/** Starts it. */
export async function startFaultBench(): Promise<FaultBench> {
  const upstream = await startDebianRegistry()
  const folder = await mkdtemp(join(tmpdir(), 'wherry-bench-'))
  const elsewhere = await startFaultProxy(upstream.address)
  const direct = createRegistryClient({ env: {} })
  const layers = [blobOf(40_000), blobOf(1_500_000), blobOf(4_000_000)]
  const image = imageOf(layers.map((layer) => layer.descriptor))
  const layout = `oci:${join(folder, 'image')}:v1`

  const trial = async (seed: number, client: string, push: (to: Repository) => Promise<void>): Promise<Trial> => {
    const proxy = await startFaultProxy(upstream.address)
    proxy.auth = { kind: 'bearer' }
    const repository = `seed-${seed}/${client}`
    const faults = followPlan(proxy, planOf(seed), elsewhere)
    const begin = performance.now()
    const failure = await push({ registry: proxy.address, repository }).then(
      () => undefined,
      (error: unknown) => error,
    )
    const ms = Math.round(performance.now() - begin)
    await proxy.close()
    const at = { seed, faults, ms }
    if (failure !== undefined) return { ...at, ...judge(failure, proxy, repository) }
    const wrong = await differs({ registry: upstream.address, repository })
    return { ...at, outcome: wrong === '' ? 'pushed' : 'wrong', words: wrong }
  }

  const judge = (failure: unknown, proxy: FaultProxy, repository: string): Pick<Trial, 'outcome' | 'words'> => {
    const words = failure instanceof Error ? failure.message : String(failure)
    if (repository.endsWith('skopeo')) return { outcome: 'refused', words }
    const isClear = failure instanceof WherryError && words.includes(`${proxy.address}/${repository}`)
    return { outcome: isClear ? 'refused' : 'wrong', words }
  }

  const differs = async (name: Repository): Promise<string> => {
    try {
      const manifest = await direct.manifest(name, 'v1', scope)
      if (!manifest.bytes.equals(image.manifest.bytes)) return 'another manifest'
      for (const blob of [...layers, image.config]) {
        const read = await readAll(await direct.blob(name, blob.descriptor, scope))
        if (!read.equals(blob.bytes)) return `other bytes of ${blob.descriptor.digest}`
      }
      return ''
    } catch (error) {
      return String(error)
    }
  }

  const pushAll = async (to: Repository, client = direct): Promise<void> => {
    const push = (blob: TestBlob): Promise<unknown> => client.pushBlob(to, blob, scope)
    await Promise.all([...layers, image.config].map(push))
    await client.pushManifest(to, 'v1', image.manifest, scope)
  }

  const source = { registry: upstream.address, repository: 'source' }
  await pushAll(source)
  let hasLayout = false
  return {
    wherry: (seed) =>
      trial(seed, 'wherry', (to) => pushAll(to, createRegistryClient({ env: {}, retry, idleTimeoutMs: 400 }))),
    skopeo: async (seed) => {
      if (!hasLayout) {
        await run('skopeo', [
          'copy',
          '--preserve-digests',
          '--src-tls-verify=false',
          `docker://${source.registry}/source:v1`,
          layout,
        ])
        hasLayout = true
      }
      return trial(seed, 'skopeo', async ({ registry, repository }) => {
        const to = `docker://${registry}/${repository}:v1`
        await run('skopeo', ['copy', '--preserve-digests', '--dest-tls-verify=false', layout, to], {
          timeout: 2 * boundMs,
        })
      })
    },
    async stop() {
      await elsewhere.close()
      await upstream.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
