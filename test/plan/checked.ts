/** Makes the build checks on a text, as `--check` does, with base images that are made up. */
import { digestOf } from '../../src/core/digest.ts'
import { fromText } from '../../src/core/bytepath.ts'
import { asWherryError } from '../../src/core/errors.ts'
import { parseChecked } from '../../src/dockerfile/checks/parse-checked.ts'
import { readIgnoreFile } from '../../src/dockerfile/ignore-file.ts'
import { compileIgnore } from '../../src/dockerfile/ignore.ts'
import { checkConfig } from '../../src/oci/config.ts'
import type { Image } from '../../src/oci/image.ts'
import type { PlanOptions } from '../../src/plan/contract.ts'
import { lower } from '../../src/plan/lower.ts'

const amd64 = { os: 'linux', architecture: 'amd64' }

/** An image with one layer; its architecture is what its name ends with, amd64 if that is none. */
export function imageNamed(name: string, config: Record<string, unknown> = {}): Image {
  const diffId = digestOf(name)
  const architecture = /arm64$/.test(name) ? 'arm64' : 'amd64'
  const rootfs = { type: 'layers', diff_ids: [diffId] }
  const raw = { os: 'linux', architecture, config: config as never, rootfs, history: [{}] }
  const blob = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: diffId, size: 1 }
  return { config: checkConfig(raw), layers: [{ blob, diffId }], annotations: {} }
}

/** What a check is made with. */
export interface CheckedWith extends Partial<PlanOptions> {
  /** The ignore file's text. */
  readonly ignored?: string
  readonly base?: Image
}

/** Findings as `RULE:LINE message`, and the message of the error that ends the plan. */
export async function checked(
  text: string,
  { ignored, base, ...options }: CheckedWith = {},
): Promise<{ found: string[]; error: string | undefined }> {
  const buildArgs = options.buildArgs ?? {}
  const { checks, dockerfile, error } = parseChecked(text, { file: 'Dockerfile', buildArgs })
  let failure = error
  try {
    if (dockerfile !== undefined)
      await lower(dockerfile, {
        labels: {},
        buildPlatform: amd64,
        targetPlatform: amd64,
        isPlatformGiven: false,
        network: 'host',
        noCache: false,
        allStages: true,
        ...(ignored === undefined ? {} : { ignore: compileIgnore(readIgnoreFile(fromText(ignored))) }),
        resolveBase: (name) => Promise.resolve(base ?? imageNamed(name)),
        ...options,
        buildArgs,
        checks,
      })
  } catch (thrown) {
    failure = asWherryError(thrown)
  }
  return {
    found: checks.found().map(({ rule, at, message }) => `${rule}:${at.startLine} ${message}`),
    error: failure?.message,
  }
}
