/** Plans of Dockerfiles on made-up base images, for the tests of plan/. */
import { digestOf } from '../../src/core/digest.ts'
import { parseDockerfile } from '../../src/dockerfile/parse.ts'
import { checkConfig, runtimeOf } from '../../src/oci/config.ts'
import type { Image } from '../../src/oci/image.ts'
import type { Plan, PlanOptions, RunStep, Step } from '../../src/plan/contract.ts'
import { lower } from '../../src/plan/lower.ts'

export const amd64 = { os: 'linux', architecture: 'amd64' }

/** A base image of one layer, with this runtime config. */
export function baseImage(name: string, config: Record<string, unknown> = {}): Image {
  const diffId = digestOf(name)
  const raw = {
    os: 'linux',
    architecture: 'amd64',
    config: config as never,
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{}],
  }
  const blob = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: diffId, size: 1 }
  return { config: checkConfig(raw), layers: [{ blob, diffId }], annotations: {} }
}

/** The plan of a Dockerfile. Bases that are not given are images of one layer. */
export async function plan(
  text: string,
  options: Partial<PlanOptions> = {},
  bases: Record<string, Image> = {},
): Promise<Plan> {
  return lower(parseDockerfile(text, { file: 'Dockerfile' }), {
    buildArgs: {},
    labels: {},
    buildPlatform: amd64,
    targetPlatform: amd64,
    network: 'host',
    noCache: false,
    resolveBase: (name) => Promise.resolve(bases[name] ?? baseImage(name)),
    ...options,
  })
}

/** What the plan's steps are, in order. */
export const kinds = (p: Plan): string[] => [...p.steps.values()].map((s: Step) => s.kind)
/** The plan's RUNs. */
export const runs = (p: Plan): RunStep[] => [...p.steps.values()].filter((s): s is RunStep => s.kind === 'run')
/** The config of the plan's target. */
export const config = (p: Plan): ReturnType<typeof runtimeOf> => runtimeOf(p.target.config)
/** What the target's history says above the base. */
export const history = (p: Plan): (string | undefined)[] => p.target.history.map((h) => h.entry.created_by)
