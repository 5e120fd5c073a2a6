/** `--change` of import and commit: instructions of a Dockerfile that only edit the config. */
import { WherryError } from '../core/errors.ts'
import { parseDockerfile, parseInstruction } from '../dockerfile/parse.ts'
import type { StageInstruction } from '../dockerfile/instructions.ts'
import { type ImageConfig, runtimeOf, withRuntime } from '../oci/config.ts'
import type { Platform } from '../oci/platform.ts'
import { lower } from './lower.ts'
import { defaultPath } from './state.ts'

/** The instructions that docker takes there, and a few more that touch no file. */
export const changeInstructions: readonly StageInstruction['kind'][] = [
  'CMD',
  'ENTRYPOINT',
  'ENV',
  'EXPOSE',
  'HEALTHCHECK',
  'LABEL',
  'MAINTAINER',
  'ONBUILD',
  'SHELL',
  'STOPSIGNAL',
  'USER',
  'VOLUME',
  'WORKDIR',
]

const file = '--change'

/**
 * The config with the changes, in their order; its history and layers stay as they are.
 * @throws WherryError `usage` for an instruction that cannot stand there, `dockerfile-syntax`, `dockerfile-invalid`
 */
export async function applyChanges(
  config: ImageConfig,
  changes: readonly string[],
  platform: Platform,
): Promise<ImageConfig> {
  if (changes.length === 0) return config
  const instructions = changes.map(parseChange)
  // Triggers of the image are for builds on it, which this is none.
  const { onBuild, env } = runtimeOf(config)
  const base = { config: withRuntime(config, 'OnBuild', undefined), layers: [], annotations: {} }
  const dockerfile = parseDockerfile(`FROM base\n${instructions.map(({ text }) => text).join('\n')}\n`, { file })
  const plan = await lower(dockerfile, {
    buildArgs: {},
    labels: {},
    buildPlatform: platform,
    targetPlatform: platform,
    network: 'none',
    noCache: false,
    resolveBase: () => Promise.resolve(base),
  })
  const changed = plan.target.config
  const triggers = [...onBuild, ...runtimeOf(changed).onBuild]
  const withTriggers = withRuntime(changed, 'OnBuild', triggers.length === 0 ? undefined : triggers)
  const setsPath = [...env, ...instructions.map(({ text }) => text)].some((text) => /(^|\s)PATH[= ]/.test(text))
  return setsPath ? withTriggers : withoutPath(withTriggers)
}

function parseChange(change: string): StageInstruction {
  const at = { file, startLine: 1, endLine: 1, excerpt: [change] }
  const instruction = parseInstruction(change, at)
  if (changeInstructions.includes(instruction.kind)) return instruction
  throw new WherryError('usage', `--change "${change}" is no instruction that only edits the image's config`, {
    hint: `It takes ${changeInstructions.join(', ')}.`,
  })
}

/** A stage always has a PATH; here nobody asked for one. */
function withoutPath(config: ImageConfig): ImageConfig {
  const env = runtimeOf(config).env.filter((line) => line !== `PATH=${defaultPath}`)
  return withRuntime(config, 'Env', env.length === 0 ? undefined : env)
}
