/** The build checks that need values: variables, the config so far, the base image, the ignore file. */
import { fromText, toText } from '../core/bytepath.ts'
import type { RuleName } from '../dockerfile/checks/rules.ts'
import { goClean } from '../dockerfile/go-path.ts'
import type { IgnoreMatcher } from '../dockerfile/ignore.ts'
import type { AddInstruction, Common, CopyInstruction, KeyValue } from '../dockerfile/instructions.ts'
import { similarName } from '../dockerfile/suggest.ts'
import { platformOf, runtimeOf } from '../oci/config.ts'
import type { Image } from '../oci/image.ts'
import { type Platform, formatPlatform, normalizePlatform } from '../oci/platform.ts'
import { scanArgs } from './args.ts'
import { goQuote } from './history.ts'
import type { PlanContext, StageState } from './state.ts'

function report(state: StageState, instruction: Common, [rule, message]: readonly [RuleName, string]): void {
  state.context.checks.report({ rule, message, at: instruction.at }, instruction.comments)
}

/** Names that were looked up and are no variable. What a base image sets that could not be looked up, nobody knows. */
export function checkUnset(state: StageState, names: readonly string[], instruction: Common): void {
  const { unknownBases } = state.context.options
  if (names.length === 0 || (state.base !== undefined && unknownBases?.has(state.base))) return
  for (const name of names) {
    if (state.args.has(name) || scanArgs.includes(name)) continue
    const near = similarName(name, state.env.keys())
    const suggestion = near === undefined ? '' : ` (did you mean $${near}?)`
    report(state, instruction, ['UndefinedVar', `Usage of undefined variable '$${name}'${suggestion}`])
  }
}

const secretWords = /(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)/i
const harmlessWords = /(?:_|^)(?:public|file|version)(?:_|$)/i

/** Names that sound like secrets. */
export function checkSecretName(state: StageState, name: string, instruction: Common & { kind: 'ARG' | 'ENV' }): void {
  if (!secretWords.test(name) || harmlessWords.test(name)) return
  const message = `Do not use ARG or ENV instructions for sensitive data (${instruction.kind} "${name}")`
  report(state, instruction, ['SecretsUsedInArgOrEnv', message])
}

/** `ENV key value`. */
export function checkLegacyPairs(state: StageState, pairs: readonly KeyValue[], instruction: Common): void {
  if (!pairs.some((pair) => pair.legacy)) return
  const name = instruction.keyword
  const message = `"${name} key=value" should be used instead of legacy "${name} key value" format`
  report(state, instruction, ['LegacyKeyValueFormat', message])
}

/** CMD, ENTRYPOINT and HEALTHCHECK: the one before this one in the stage is for nothing, and is what is pointed at. */
export function checkUsedOnce(state: StageState, instruction: Common & { readonly kind: string }): void {
  const earlier = state.lastOf.get(instruction.kind)
  state.lastOf.set(instruction.kind, instruction.at)
  if (earlier === undefined) return
  const name = instruction.keyword
  const message = `Multiple ${name} instructions should not be used in the same stage because only the last one will be used`
  state.context.checks.report({ rule: 'MultipleInstructionsDisallowed', message, at: earlier }, instruction.comments)
}

/** CMD and ENTRYPOINT in shell form, where no SHELL says that the shell is meant. */
export function checkJsonForm(state: StageState, instruction: Common & { command: { form: string } }): void {
  if (instruction.command.form === 'exec' || (runtimeOf(state.config).shell ?? []).length > 0) return
  const message = `JSON arguments recommended for ${instruction.keyword} to prevent unintended behavior related to OS signals`
  report(state, instruction, ['JSONArgsRecommended', message])
}

/** A relative WORKDIR where no WORKDIR of the file stands before it. */
export function checkWorkdir(state: StageState, path: string, instruction: Common): void {
  if (!state.workdirSet && !path.startsWith('/')) {
    const message = `Relative workdir ${goQuote(path)} can have unexpected results if the base image changes`
    report(state, instruction, ['WorkdirRelativePath', message])
  }
  state.workdirSet = true
}

/** EXPOSE words, expanded: protocols not in lower case, and parts that are the host's. Words that are no ports are no matter of this. */
export function checkPorts(state: StageState, words: readonly string[], instruction: Common): void {
  for (const word of words) {
    const protocol = word.slice(word.lastIndexOf(':') + 1).split('/', 2)[1] ?? ''
    if (protocol !== protocol.toLowerCase()) {
      const message = `Defined protocol '${word}' in EXPOSE instruction should be lowercase`
      report(state, instruction, ['ExposeProtoCasing', message])
    }
    if (word.split(':').slice(0, -1).join('') === '') continue
    const message = `EXPOSE instruction should not define an IP address or host-port mapping, found '${word}'`
    report(state, instruction, ['ExposeInvalidFormat', message])
  }
}

/** A source of COPY or ADD in the build context, expanded, that the ignore file excludes. */
export function checkIgnored(state: StageState, path: string, instruction: CopyInstruction | AddInstruction): void {
  const { ignore } = state.context.options
  // With ! patterns a folder may be excluded and files in it not: BuildKit does not judge those.
  if (ignore === undefined || ignore.patterns.length === 0 || ignore.hasExclusions) return
  const cleaned = goClean(fromText(path))
  const isRoot = cleaned === '.' || cleaned === '/'
  if (isRoot ? !ignoresRoot(ignore) : !ignore.ignores(cleaned)) return
  const verb = instruction.kind === 'ADD' ? 'Add' : 'Copy'
  const message = `Attempting to ${verb} file "${toText(cleaned)}" that is excluded by .dockerignore`
  report(state, instruction, ['CopyIgnoredFile', message])
}

function ignoresRoot(ignore: IgnoreMatcher): boolean {
  return ignore.patterns.some((pattern) => ['*', '**', '**/*'].includes(pattern.text))
}

/** A base image for another platform than the one that was asked for. An image without layers fits everywhere. */
export function checkBasePlatform(
  { checks }: Pick<PlanContext, 'checks'>,
  base: { readonly name: string; readonly image: Image; readonly platform: Platform },
  { at }: Pick<Common, 'at'>,
): void {
  const actual = platformOf(base.image.config)
  const { platform: wanted, name } = base
  if (base.image.layers.length === 0 || (wanted.os === actual.os && wanted.architecture === actual.architecture)) return
  const [found, expected] = [actual, wanted].map((platform) => formatPlatform(normalizePlatform(platform)))
  const message = `Base image ${name} was pulled with platform "${found}", expected "${expected}" for current build`
  checks.report({ rule: 'InvalidBaseImagePlatform', message, at })
}
