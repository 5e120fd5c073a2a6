/** COPY, ADD and WORKDIR: which files go where. */
import type { AddInstruction, CopyInstruction, WorkdirInstruction } from '../dockerfile/instructions.ts'
import { WherryError } from '../core/errors.ts'
import { runtimeOf, withRuntime } from '../oci/config.ts'
import { checkBasePlatform, checkIgnored, checkWorkdir } from './checks.ts'
import type { CopyStep, CopyStepSource, TreeRef } from './contract.ts'
import { expand, expandBody } from './expand.ts'
import { type StageState, addHistory, addStep, joinPath, nextWorkdir, notImplemented, workdirOf } from './state.ts'

/** Lowers COPY or ADD to a step. @throws WherryError `not-implemented`, `dockerfile-invalid` */
export async function lowerCopy(state: StageState, instruction: CopyInstruction | AddInstruction): Promise<void> {
  refuseFlags(instruction)
  const from =
    instruction.kind === 'COPY' && instruction.from !== undefined ? await sourceTree(state, instruction) : undefined
  const word = (text: string): string => expand(state, text, instruction)
  const sources = instruction.sources.map((source): CopyStepSource => {
    if (source.kind === 'path') {
      const found = pathSource(word(source.path), instruction)
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
  const id = addStep(state, {
    kind: 'copy',
    input: state.tree,
    text: instruction.text,
    at: instruction.at,
    fresh: options.noCache,
    epoch: options.epoch,
    from: from ?? { kind: 'context' },
    sources,
    destination: absoluteDestination(workdirOf(state), destination),
    chown: chown === '' ? undefined : chown,
    chmod: chmod === undefined || chmod === '' ? undefined : parseChmod(chmod, instruction),
    unpack: instruction.kind === 'ADD',
  })
  const flags = [chown ? ` --chown=${chown}` : '', chmod ? ` --chmod=${chmod}` : ''].join('')
  const names = sources.map((s) => (s.kind === 'path' ? s.path : s.kind === 'url' ? s.url : `<<${s.name}`))
  addHistory(state, `${instruction.kind}${flags} ${[...names, destination].join(' ')} # buildkit`, id)
}

function refuseFlags(instruction: CopyInstruction | AddInstruction): void {
  const { kind, at } = instruction
  if (instruction.link) throw notImplemented(`${kind} --link`, at)
  if (instruction.exclude.length > 0) throw notImplemented(`${kind} --exclude`, at)
  if (kind === 'COPY') {
    if (instruction.parents) throw notImplemented('COPY --parents', at)
    return
  }
  if (instruction.checksum !== undefined) throw notImplemented('ADD --checksum', at)
  if (instruction.keepGitDir !== undefined) throw notImplemented('ADD --keep-git-dir', at)
  if (instruction.unpack !== undefined) throw notImplemented('ADD --unpack', at)
}

function pathSource(path: string, instruction: CopyInstruction | AddInstruction): CopyStepSource {
  const isGit = /^(git@|git:\/\/|ssh:\/\/)/.test(path) || /^https?:\/\/[^?#]+\.git(?:[#?].*)?$/.test(path)
  const isUrl = /^https?:\/\//.test(path)
  if (instruction.kind === 'COPY' && (isGit || isUrl)) {
    throw new WherryError('dockerfile-invalid', `COPY cannot take a URL: ${path}`, {
      at: instruction.at,
      hint: 'Use ADD.',
    })
  }
  if (isGit) throw notImplemented('ADD of a git repository', instruction.at)
  if (!isUrl) return { kind: 'path', path }
  return { kind: 'url', url: path, filename: filenameOf(path, instruction) }
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
  const stage = state.context.stage(name, state.index)
  if (stage !== undefined) return { kind: 'tree', tree: (await stage).tree, name }
  if (name === 'scratch') return { kind: 'tree', tree: { kind: 'base', diffIds: [] }, name }
  const { options } = state.context
  const platform = options.targetPlatform
  const image = await options.resolveBase(name, platform)
  checkBasePlatform(state.context, { name, image, platform }, instruction)
  const tree: TreeRef = { kind: 'base', diffIds: image.layers.map((l) => l.diffId) }
  return { kind: 'tree', tree, name }
}

/** The destination joined to WORKDIR, keeping the trailing slash that makes it a folder. */
function absoluteDestination(workdir: string, destination: string): string {
  const isFolder = destination === '' || /(^|\/)\.{0,2}$/.test(destination)
  const path = joinPath(workdir, destination)
  return isFolder && path !== '/' ? `${path}/` : path
}

function parseChmod(text: string, instruction: CopyInstruction | AddInstruction): number {
  if (/^[0-7]+$/.test(text) && Number.parseInt(text, 8) <= 0o7777) return Number.parseInt(text, 8)
  if (/^[ugoa]*[-+=]/.test(text)) throw notImplemented(`${instruction.kind} --chmod with letters`, instruction.at)
  throw new WherryError(
    'dockerfile-invalid',
    `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`,
    {
      at: instruction.at,
    },
  )
}

/** Lowers WORKDIR: the config's WorkingDir, and a step that makes the folder. */
export function lowerWorkdir(state: StageState, instruction: WorkdirInstruction): void {
  const written = expand(state, instruction.path, instruction)
  checkWorkdir(state, written, instruction)
  const workdir = nextWorkdir(state, written)
  state.config = withRuntime(state.config, 'WorkingDir', workdir)
  const path = joinPath('/', workdir)
  if (path === '/') return addHistory(state, `WORKDIR ${workdir}`)
  const { options } = state.context
  const id = addStep(state, {
    kind: 'workdir',
    input: state.tree,
    text: instruction.text,
    at: instruction.at,
    fresh: options.noCache,
    epoch: options.epoch,
    path,
    user: runtimeOf(state.config).user,
  })
  addHistory(state, `WORKDIR ${workdir}`, id)
}
