/** What options say about the image beside the Dockerfile: labels, variables added and taken away. */
import { runtimeOf, withPlatform, withRuntime } from '../oci/config.ts'
import { type Platform, normalizePlatform, parsePlatformObject } from '../oci/platform.ts'
import { setVariables } from './config-instructions.ts'
import type { StageState } from './state.ts'

/** Sets `--env` variables at the start of a stage, where an ENV after its FROM would. */
export function applyEnvOption(state: StageState): void {
  const pairs = Object.entries(state.context.options.env ?? {})
  if (pairs.length > 0) setVariables(state, pairs)
}

/** The platform that the image says it is for: that of its base, unless the user named one. */
function finalPlatform({ config, context }: StageState): Platform {
  const own = parsePlatformObject(config.raw)
  const { isPlatformGiven = false, targetPlatform: wanted } = context.options
  if (!isPlatformGiven) return normalizePlatform(own)
  const isSame = own.os === wanted.os && own.architecture === wanted.architecture
  return normalizePlatform({
    ...own,
    os: wanted.os,
    architecture: wanted.architecture,
    variant: wanted.variant ?? (isSame ? own.variant : undefined),
    osVersion: wanted.osVersion ?? (isSame ? own.osVersion : undefined),
  })
}

/** Puts the platform and labels on the target and takes away what is not wanted. */
export function finishTarget(target: StageState): void {
  target.config = withPlatform(target.config, finalPlatform(target))
  const { labels, unsetEnv = [], unsetLabels = [] } = target.context.options
  const runtime = runtimeOf(target.config)
  if (Object.keys(labels).length > 0 || unsetLabels.length > 0) {
    const kept = Object.entries({ ...runtime.labels, ...labels }).filter(([key]) => !unsetLabels.includes(key))
    target.config = withRuntime(target.config, 'Labels', kept.length === 0 ? undefined : Object.fromEntries(kept))
  }
  if (unsetEnv.length === 0) return
  const env = runtime.env.filter((line) => !unsetEnv.includes(line.split('=', 1)[0]!))
  target.config = withRuntime(target.config, 'Env', env)
}
