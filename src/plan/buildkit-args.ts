/** Build args that are settings of the builder, and the frontends that a build definition may ask for. */
import { WherryError } from '../core/errors.ts'
import type { Dockerfile } from '../dockerfile/instructions.ts'
import { givenArg } from './args.ts'
import type { PlanOptions } from './contract.ts'

/** Every setting that docker documents; no ARG need take them. */
const settings: ReadonlySet<string> = new Set([
  'BUILDKIT_BUILD_NAME',
  'BUILDKIT_CACHE_MOUNT_NS',
  'BUILDKIT_CONTEXT_KEEP_GIT_DIR',
  'BUILDKIT_DOCKERFILE_CHECK',
  'BUILDKIT_INLINE_CACHE',
  'BUILDKIT_MULTI_PLATFORM',
  'BUILDKIT_SANDBOX_HOSTNAME',
  'BUILDKIT_SBOM_SCAN_CONTEXT',
  'BUILDKIT_SBOM_SCAN_STAGE',
  'BUILDKIT_SYNTAX',
  'SOURCE_DATE_EPOCH',
])

/** True for a build arg that is a setting of the builder. */
export function isBuilderSetting(name: string): boolean {
  return settings.has(name)
}

/**
 * What to tell the user about settings that have no effect yet, and about a frontend that is not run.
 * @throws WherryError `not-implemented`, `dockerfile-invalid`
 */
export function settingWarnings(dockerfile: Dockerfile, options: PlanOptions): { message: string }[] {
  // Read when the image is put together, refused before anything runs.
  wantsInlineCache(options)
  const messages: string[] = []
  const syntax = givenArg(options.buildArgs, 'BUILDKIT_SYNTAX') ?? dockerfile.directives.syntax
  if (syntax !== undefined && !isDockerfileFrontend(syntax)) {
    messages.push(`the frontend ${syntax} is not run: the file is read as docker/dockerfile:1 reads it`)
  }
  return messages.map((message) => ({ message }))
}

/**
 * True if the result is an index: of several platforms always, of one where BUILDKIT_MULTI_PLATFORM asks for it.
 * @throws WherryError `dockerfile-invalid` if it is no truth value, or forbids what several platforms need
 */
export function isIndexWanted(options: Pick<PlanOptions, 'buildArgs'>, platforms: number): boolean {
  const name = 'BUILDKIT_MULTI_PLATFORM'
  const wanted = flag(options, name)
  if (platforms > 1 && !wanted && (givenArg(options.buildArgs, name) ?? '') !== '') {
    throw new WherryError(
      'dockerfile-invalid',
      'conflicting config: returning multiple target platforms is not allowed',
      {
        hint: `Leave the build arg ${name} out, or build for one --platform.`,
      },
    )
  }
  return platforms > 1 || wanted
}

/** Whether the image is to be its own cache, in the way of older dockers. @throws WherryError `dockerfile-invalid` */
export function wantsInlineCache(options: Pick<PlanOptions, 'buildArgs'>): boolean {
  return flag(options, 'BUILDKIT_INLINE_CACHE')
}

/** True for the images that docker publishes its Dockerfile frontend as, wherever they are mirrored, and for the built-in one. */
function isDockerfileFrontend(syntax: string): boolean {
  const name = syntax
    .trim()
    .split(/[\s@]/)[0]!
    .replace(/:[^/]*$/, '')
  return name === '' || name === 'dockerfile.v0' || /(^|\/)dockerfile(-upstream)?$/.test(name)
}

/** A setting that is true or false, as Go's ParseBool reads it. */
function flag({ buildArgs }: Pick<PlanOptions, 'buildArgs'>, name: string): boolean {
  const text = givenArg(buildArgs, name) ?? ''
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true
  if (/^(0|f|F|false|FALSE|False)?$/.test(text)) return false
  throw new WherryError('dockerfile-invalid', `the build arg ${name} is neither true nor false: "${text}"`, {
    hint: 'Write 1 or 0.',
  })
}
