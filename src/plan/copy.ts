/** COPY, ADD and WORKDIR: which files go where. */
import type { AddInstruction, CopyInstruction, WorkdirInstruction } from '../dockerfile/instructions.ts'
import { type Digest, parseDigest } from '../core/digest.ts'
import { WherryError, withRange } from '../core/errors.ts'
import { parseFileMode } from '../dockerfile/file-mode.ts'
import { type GitRef, parseGitRef, withoutCredentials } from '../dockerfile/git-ref.ts'
import { runtimeOf, withRuntime } from '../oci/config.ts'
import { isNumericOwner } from '../oci/users.ts'
import { checkIgnored, checkWorkdir } from './checks.ts'
import type { CopyStep, CopyStepSource, StepDraft } from './contract.ts'
import { expand, expandBody } from './expand.ts'
import { sourceNamed } from './source-tree.ts'
import {
  type StageState,
  addHistory,
  addStep,
  joinPath,
  nextWorkdir,
  pathIn,
  registerStep,
  workdirOf,
} from './state.ts'

/** Lowers COPY or ADD to a step. @throws WherryError `dockerfile-invalid`, `dockerfile-syntax` */
export async function lowerCopy(state: StageState, instruction: CopyInstruction | AddInstruction): Promise<void> {
  checkFlags(instruction)
  const from =
    instruction.kind === 'COPY' && instruction.from !== undefined ? await sourceTree(state, instruction) : undefined
  const word = (text: string): string => expand(state, text, instruction)
  const checksum = instruction.kind === 'ADD' && instruction.checksum ? word(instruction.checksum) : undefined
  const sources = instruction.sources.map((source): CopyStepSource => {
    if (source.kind === 'path') {
      const found = pathSource(word(source.path), instruction, checksum)
      if (from === undefined && found.kind === 'path') checkIgnored(state, found.path, instruction)
      return found
    }
    const { name, content, expand: expands } = source.heredoc
    return { kind: 'heredoc', name, content: expands ? expandBody(state, content, instruction) : content }
  })
  const destination = word(instruction.destination)
  const chown = instruction.chown === undefined ? undefined : word(instruction.chown)
  const chmod = instruction.chmod === undefined ? undefined : word(instruction.chmod)
  const { options } = state.context
  const draft: StepDraft<CopyStep> = {
    kind: 'copy',
    input: state.tree,
    text: instruction.text,
    at: instruction.at,
    fresh: options.noCache,
    from: from ?? { kind: 'context' },
    sources,
    destination: absoluteDestination(workdirOf(state), pathIn(state, destination)),
    chown: chown === '' ? undefined : chown,
    chmod: chmod === undefined || chmod === '' ? undefined : checkChmod(chmod, instruction),
    unpack: unpackOf(instruction),
    parents: instruction.kind === 'COPY' && instruction.parents,
    exclude: instruction.exclude.map(word),
  }
  const id = instruction.link && isIndependent(draft) ? addLinked(state, draft) : addStep(state, draft)
  const parents = draft.parents ? ' --parents' : ''
  const flags = [parents, chown ? ` --chown=${chown}` : '', chmod ? ` --chmod=${chmod}` : ''].join('')
  const names = sources.map(historyName)
  addHistory(state, `${instruction.kind}${flags} ${[...names, destination].join(' ')} # buildkit`, id)
}

function unpackOf(instruction: CopyInstruction | AddInstruction): CopyStep['unpack'] {
  if (instruction.kind === 'COPY' || instruction.unpack === false) return 'none'
  return instruction.unpack === true ? 'all' : 'paths'
}

/** BuildKit does not link with --chmod; names of --chown are the target's, which a layer on its own does not have. */
function isIndependent({ chown, chmod }: StepDraft<CopyStep>): boolean {
  return chmod === undefined && (chown === undefined || isNumericOwner(chown))
}

/** COPY --link: a layer that is made on scratch, put on what the stage has. */
function addLinked(state: StageState, draft: StepDraft<CopyStep>): Digest {
  const id = registerStep(state.context, { ...draft, input: { kind: 'base', diffIds: [] } })
  state.tree = { kind: 'stacked', below: state.tree, id }
  return id
}

function checkFlags(instruction: CopyInstruction | AddInstruction): void {
  if (instruction.kind === 'COPY') return
  const { at, checksum, sources } = instruction
  if (checksum !== undefined && sources.length !== 1)
    throw new WherryError('dockerfile-invalid', "checksum can't be specified for multiple sources", {
      at,
      hint: 'Write an ADD of its own for each.',
    })
}

function pathSource(
  path: string,
  instruction: CopyInstruction | AddInstruction,
  checksum: string | undefined,
): CopyStepSource {
  const git = parseGitRef(path)
  const isUrl = /^https?:\/\//.test(path)
  if (instruction.kind === 'COPY') {
    if (git === undefined && !isUrl) return { kind: 'path', path }
    const what = git === undefined ? 'a URL' : 'a git ref'
    throw new WherryError('dockerfile-invalid', `source can't be ${what} for COPY`, {
      at: instruction.at,
      hint: 'Use ADD.',
    })
  }
  if (git !== undefined) return { kind: 'git', url: path, git: gitOfAdd(git, instruction.keepGitDir, checksum) }
  if (isUrl) {
    const digest = checksum === undefined ? {} : { checksum: parseDigest(checksum) }
    return { kind: 'url', url: path, filename: filenameOf(path, instruction), ...digest }
  }
  if (checksum === undefined) return { kind: 'path', path }
  throw new WherryError('dockerfile-invalid', 'checksum requires HTTP(S) or Git sources', { at: instruction.at })
}

/**
 * The repository that an ADD means: what its flags and its URL say together.
 * @throws WherryError `dockerfile-invalid` if they contradict each other
 */
export function gitOfAdd(git: GitRef, keepGitDir: boolean | undefined, checksum: string | undefined): GitRef {
  if (keepGitDir !== undefined && git.keepGitDir !== undefined && keepGitDir !== git.keepGitDir)
    throw new WherryError('dockerfile-invalid', 'inconsistent keep-git-dir configuration', {
      hint: 'The flag --keep-git-dir and the URL say different things: leave one out.',
    })
  if (checksum !== undefined && git.checksum !== '' && checksum !== git.checksum)
    throw new WherryError('dockerfile-invalid', `checksum mismatch "${checksum}" != "${git.checksum}"`, {
      hint: 'The flag --checksum and the URL say different things: leave one out.',
    })
  const keep = git.keepGitDir ?? keepGitDir
  return { ...git, checksum: git.checksum || (checksum ?? ''), ...(keep !== undefined && { keepGitDir: keep }) }
}

/** A source in the image's history: images are given to others, so that credentials do not belong there. */
function historyName(source: CopyStepSource): string {
  if (source.kind === 'path') return source.path
  return source.kind === 'heredoc' ? `<<${source.name}` : withoutCredentials(source.url)
}

/** The name that a downloaded file gets: the last part of the URL's path, as one name. */
function filenameOf(url: string, instruction: CopyInstruction | AddInstruction): string {
  try {
    const decoded = decodeURIComponent(new URL(url).pathname)
    const last = decoded.split('/').findLast((part) => part !== '')
    return last === undefined || last === '.' || last === '..' ? '__unnamed__' : last
  } catch (cause) {
    throw new WherryError('dockerfile-invalid', `${url} is not a URL`, { at: instruction.at, cause })
  }
}

async function sourceTree(state: StageState, instruction: CopyInstruction): Promise<CopyStep['from']> {
  const name = instruction.from!
  if (expand(state, name, instruction) !== name || name.includes('$')) {
    throw new WherryError('dockerfile-invalid', 'COPY --from takes no variables', {
      at: instruction.at,
      hint: 'Name a stage with FROM ${ARG} AS name, using an ARG from before the first FROM, and copy from that.',
    })
  }
  const found = await sourceNamed(state, name, instruction)
  return found.kind === 'context' ? found : { kind: 'tree', tree: found, name }
}

/** The destination joined to WORKDIR, keeping the trailing slash that makes it a folder. */
function absoluteDestination(workdir: string, destination: string): string {
  const isFolder = destination === '' || /(^|\/)\.{0,2}$/.test(destination)
  const path = joinPath(workdir, destination)
  return isFolder && path !== '/' ? `${path}/` : path
}

function checkChmod(text: string, instruction: CopyInstruction | AddInstruction): string {
  try {
    parseFileMode(text)
    return text
  } catch (error) {
    throw withRange(error, instruction.at)
  }
}

/** Lowers WORKDIR: the config's WorkingDir, and a step that makes the folder. */
export function lowerWorkdir(state: StageState, instruction: WorkdirInstruction): void {
  const written = expand(state, instruction.path, instruction)
  checkWorkdir(state, written, instruction)
  const workdir = nextWorkdir(state, written)
  state.config = withRuntime(state.config, 'WorkingDir', workdir)
  const path = workdirOf(state)
  if (path === '/') return addHistory(state, `WORKDIR ${workdir}`)
  const { options } = state.context
  const id = addStep(state, {
    kind: 'workdir',
    input: state.tree,
    text: instruction.text,
    at: instruction.at,
    fresh: options.noCache,
    epoch: state.context.epoch,
    path,
    user: runtimeOf(state.config).user,
  })
  addHistory(state, `WORKDIR ${workdir}`, id)
}
