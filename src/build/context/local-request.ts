/** A request whose context and Dockerfile are on this machine: what is elsewhere is fetched first. */
import { copyFile, mkdir, realpath } from 'node:fs/promises'
import { basename, isAbsolute, join, resolve } from 'node:path'
import { toText } from '../../core/bytepath.ts'
import { WherryError } from '../../core/errors.ts'
import { parseGitRef } from '../../dockerfile/git-ref.ts'
import { download } from '../add-url.ts'
import type { BuildRequest, RemoteContext } from '../contract.ts'
import { presentDockerfile } from './present-dockerfile.ts'
import { type Fetched, type Fetching, fetchGit, fetchUrl, loneFile, unpackArchive } from './fetch-folder.ts'

/** A request without `remote`, and what is known of the context. */
export interface Localised {
  readonly request: BuildRequest
  /** When the context was made, in seconds since 1970; a folder has no such time. */
  readonly contextTime?: number
}

/**
 * Fetches what must be fetched into temporary folders of the store.
 * @throws WherryError `context-invalid`, `network`, `archive-invalid`, `dockerfile-invalid`
 */
export async function localRequest(request: BuildRequest, fetching: Fetching): Promise<Localised> {
  const { remote, ...given } = request
  const dockerfile = isUrl(request.dockerfile)
    ? await downloadDockerfile(request.dockerfile, fetching)
    : request.dockerfile
  if (remote === undefined) return { request: { ...given, dockerfile } }
  // As in BuildKit: what is elsewhere was chosen there.
  const rest = { ...given, ignoreFile: given.ignoreFile ?? false }
  const { folder, time, isLone } = await fetchContext(remote, request, fetching)
  const contextTime = time === undefined ? {} : { contextTime: time }
  // Whatever -f calls it, as in BuildKit.
  if (isLone && !isAbsolute(dockerfile))
    return { request: { ...rest, context: folder, dockerfile: join(folder, loneFile) }, ...contextTime }
  const inside = isAbsolute(dockerfile) ? dockerfile : insideOf(folder, dockerfile)
  const local = await presentDockerfile({ ...rest, context: folder, dockerfile: inside })
  await refuseEscape(folder, local.dockerfile)
  return { request: local, ...contextTime }
}

/** True for an address that is downloaded. */
export function isUrl(text: string): boolean {
  return /^https?:\/\//.test(text)
}

/** A file of that name, so that messages have it. */
async function downloadDockerfile(url: string, fetching: Fetching): Promise<string> {
  if (!URL.canParse(url)) throw new WherryError('usage', 'the URL of the Dockerfile is malformed')
  const folder = fetching.deps.store.tempPath('dockerfile')
  const name = basename(new URL(url).pathname)
  const file = join(folder, name === '' ? 'Dockerfile' : name)
  const { path } = await download(url, fetching)
  await mkdir(folder)
  await copyFile(toText(path), file)
  return file
}

async function fetchContext(
  remote: RemoteContext,
  { buildArgs }: BuildRequest,
  fetching: Fetching,
): Promise<Fetched & { readonly isLone: boolean }> {
  switch (remote.kind) {
    case 'git':
      return { ...(await fetchGit(remote.url, gitChange(remote.url, buildArgs), fetching)), isLone: false }
    case 'url': {
      const { isArchive, ...fetched } = await fetchUrl(remote.url, { unpack: true }, fetching)
      return { ...fetched, isLone: !isArchive }
    }
    case 'archive': {
      const unpacked = await unpackArchive(remote.file, fetching)
      if (unpacked !== undefined) return { ...unpacked, isLone: false }
      throw new WherryError('context-invalid', 'the context is neither a tar archive nor a Dockerfile', {
        hint: 'Give a tar, compressed or not: tar -c . | wherry build -',
      })
    }
  }
}

/** What build args say of a git context. */
function gitChange(url: string, args: BuildRequest['buildArgs']): Parameters<typeof fetchGit>[1] {
  const keep = /^(1|t|T|true|TRUE|True)$/.test(args['BUILDKIT_CONTEXT_KEEP_GIT_DIR'] ?? '')
  const own = parseGitRef(url, { shorthand: true })?.mtime
  const byCommit = own === undefined && (args['SOURCE_DATE_EPOCH'] ?? '') !== ''
  return { ...(keep && { keepGitDir: true }), ...(byCommit && { mtime: 'commit' as const }) }
}

function insideOf(folder: string, dockerfile: string): string {
  // `..` stays inside, as it does for paths of COPY.
  return join(folder, resolve('/', dockerfile === '' ? 'Dockerfile' : dockerfile))
}

/** Links of a fetched context must not show a file of this machine as its Dockerfile. */
async function refuseEscape(folder: string, dockerfile: string): Promise<void> {
  if (!dockerfile.startsWith(`${folder}/`)) return
  const real = await realpath(dockerfile).catch(() => undefined)
  if (real === undefined || real.startsWith(`${await realpath(folder)}/`)) return
  throw new WherryError(
    'context-invalid',
    `${dockerfile.slice(folder.length + 1)} is a link that leads out of the context`,
  )
}
