/** A request whose context and Dockerfile are on this machine: what is elsewhere is fetched first. */
import { isAbsolute, join, resolve } from 'node:path'
import { toText } from '../../core/bytepath.ts'
import { WherryError } from '../../core/errors.ts'
import { download } from '../add-url.ts'
import type { BuildRequest, RemoteContext } from '../contract.ts'
import { presentDockerfile } from './present-dockerfile.ts'
import { type Fetching, fetchGit, fetchUrl, loneFile, unpackArchive } from './fetch-folder.ts'

/**
 * Fetches what must be fetched into temporary folders of the store.
 * @throws WherryError `context-invalid`, `network`, `archive-invalid`, `dockerfile-invalid`
 */
export async function localRequest(request: BuildRequest, fetching: Fetching): Promise<BuildRequest> {
  const { remote, ...rest } = request
  const dockerfile = isUrl(request.dockerfile)
    ? toText((await download(request.dockerfile, fetching)).path)
    : request.dockerfile
  if (remote === undefined) return { ...rest, dockerfile }
  const { folder, lone } = await fetchContext(remote, request, fetching)
  if (lone && dockerfile === '') return { ...rest, context: folder, dockerfile: join(folder, loneFile) }
  const inside = isAbsolute(dockerfile) ? dockerfile : insideOf(folder, dockerfile)
  return presentDockerfile({ ...rest, context: folder, dockerfile: inside })
}

/** True for an address that is downloaded. */
export function isUrl(text: string): boolean {
  return /^https?:\/\//.test(text)
}

async function fetchContext(
  remote: RemoteContext,
  { buildArgs }: BuildRequest,
  fetching: Fetching,
): Promise<{ folder: string; lone: boolean }> {
  switch (remote.kind) {
    case 'git': {
      const keep = /^(1|t|T|true|TRUE|True)$/.test(buildArgs['BUILDKIT_CONTEXT_KEEP_GIT_DIR'] ?? '')
      const mtime = (buildArgs['SOURCE_DATE_EPOCH'] ?? '') === '' ? {} : { mtime: 'commit' as const }
      return {
        folder: await fetchGit(remote.url, { ...(keep && { keepGitDir: true }), ...mtime }, fetching),
        lone: false,
      }
    }
    case 'url': {
      const { folder, isArchive } = await fetchUrl(remote.url, fetching)
      return { folder, lone: !isArchive }
    }
    case 'archive': {
      const folder = fetching.deps.store.tempPath('context')
      if (await unpackArchive(remote.file, folder, fetching)) return { folder, lone: false }
      throw new WherryError('context-invalid', 'the context is neither a tar archive nor a Dockerfile', {
        hint: 'Give a tar, compressed or not: tar -c . | wherry build -',
      })
    }
  }
}

function insideOf(folder: string, dockerfile: string): string {
  // `..` stays inside, as it does for paths of COPY.
  return join(folder, resolve('/', dockerfile === '' ? 'Dockerfile' : dockerfile))
}
