/** SOURCE_DATE_EPOCH: a number of seconds, or a name whose source has a time: the context, or a stage that is one remote ADD. */
import { WherryError, withRange } from '../core/errors.ts'
import { expandWord } from '../dockerfile/expand.ts'
import { parseGitRef } from '../dockerfile/git-ref.ts'
import type { AddInstruction, Dockerfile, Stage } from '../dockerfile/instructions.ts'
import { givenArg } from './args.ts'
import type { EpochSource, PlanOptions } from './contract.ts'
import { gitOfAdd } from './copy.ts'

type Variables = ReadonlyMap<string, string>

/** Name of the build argument. */
export const epochArg = 'SOURCE_DATE_EPOCH'

/**
 * The epoch in seconds: the build arg's, else that of the ARG before FROM; undefined if it is not set, or if what it names has no time.
 * @throws WherryError `dockerfile-invalid`, and what `options.resolveEpoch` throws
 */
export async function resolveEpoch(
  dockerfile: Dockerfile,
  globals: Variables,
  options: PlanOptions,
): Promise<number | undefined> {
  const given = givenArg(options.buildArgs, epochArg) ?? globals.get(epochArg) ?? ''
  if (given === '') return undefined
  if (/^[+-]?\d{1,12}$/.test(given)) return Number(given)
  const isContext = (await options.namedContext?.(given, options.targetPlatform)) !== undefined
  const named: EpochSource = { kind: 'context', name: given }
  const source = isContext ? named : sourceOf(given, dockerfile, { globals, options })
  return options.resolveEpoch?.(source)
}

/** Build args and ARGs before FROM with the time in the place of the name that it was asked for by. */
export function withEpochArg(
  { buildArgs }: PlanOptions,
  globals: Variables,
  epoch: number | undefined,
): { readonly buildArgs: PlanOptions['buildArgs']; readonly globals: Variables } {
  const value = epoch === undefined ? '' : String(epoch)
  if (givenArg(buildArgs, epochArg) !== undefined) return { buildArgs: { ...buildArgs, [epochArg]: value }, globals }
  return { buildArgs, globals: globals.has(epochArg) ? new Map([...globals, [epochArg, value]]) : globals }
}

function sourceOf(
  name: string,
  dockerfile: Dockerfile,
  { globals, options }: { readonly globals: Variables; readonly options: PlanOptions },
): EpochSource {
  if (name === 'context') return { kind: 'context' }
  const stage = dockerfile.stages.find((s) => s.from.name === name.toLowerCase())
  if (stage === undefined) {
    throw new WherryError('dockerfile-invalid', `invalid ${epochArg}: ${name}`, {
      hint: 'Give a number of seconds, "context", or the name of a stage that holds one ADD of a URL.',
    })
  }
  const variables = new Map([...globals].filter(([key]) => key !== epochArg))
  try {
    return stageSource(stage, variables, { escape: dockerfile.escape, buildArgs: options.buildArgs })
  } catch (error) {
    throw withRange(error, stage.from.at)
  }
}

interface Reading {
  readonly escape: Dockerfile['escape']
  readonly buildArgs: PlanOptions['buildArgs']
}

/** The one remote source of a stage. */
function stageSource(stage: Stage, variables: Map<string, string>, { escape, buildArgs }: Reading): EpochSource {
  const word = (text: string): string => expandWord(text, (key) => variables.get(key), { escape }).value
  if (word(stage.from.base) !== 'scratch') throw unfit('must use FROM scratch')
  let source: EpochSource | undefined
  for (const instruction of stage.instructions) {
    if (instruction.kind === 'ARG') {
      for (const { key, value } of instruction.args) {
        const set = givenArg(buildArgs, key) ?? (value === undefined ? undefined : word(value))
        if (set !== undefined) variables.set(key, set)
      }
    } else if (instruction.kind === 'ADD') {
      if (source !== undefined) throw unfit('must contain exactly one remote ADD')
      source = addSource(instruction, word)
    } else {
      throw unfit(`does not meet source-only requirements: unsupported ${instruction.kind.toLowerCase()} instruction`)
    }
  }
  if (source === undefined) throw unfit('must contain exactly one remote ADD')
  return source
}

function addSource(add: AddInstruction, word: (text: string) => string): EpochSource {
  const [only] = add.sources
  if (only?.kind !== 'path' || add.sources.length !== 1) throw unfit('must contain exactly one remote ADD source')
  const url = word(only.path)
  const checksum = add.checksum ? word(add.checksum) : undefined
  const git = parseGitRef(url)
  if (git !== undefined) return { kind: 'git', git: gitOfAdd(git, add.keepGitDir, checksum) }
  if (/^https?:\/\//.test(url)) return { kind: 'url', url, ...(checksum !== undefined && { checksum }) }
  throw unfit('source must be a single HTTP(S) or Git ADD')
}

function unfit(why: string): WherryError {
  return new WherryError('dockerfile-invalid', `${epochArg} stage ${why}`)
}
