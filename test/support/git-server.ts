/** Git over HTTP: git's own http-backend, plain files for clients of the "dumb" protocol, and passwords where they are asked for. */
import { execFileSync, spawn } from 'node:child_process'
import { createReadStream, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'

/** A server whose repositories are the folders `NAME.git` of a folder. */
export interface GitServer {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string
  /** `METHOD path?query` of every request, in their order. */
  readonly requests: string[]
  /** What `Authorization` was sent with them, if any. */
  readonly authorizations: string[]
  close(): Promise<void>
}

/** How paths begin: `/smart/`, `/dumb/`, and `/private/`, which wants a password. Other paths are files of the folder. */
export interface GitServerOptions {
  /** `USER:PASSWORD` for `/private/`. */
  readonly login?: string
  /** Answers instead of all else, if it returns true. */
  readonly instead?: (request: IncomingMessage, response: ServerResponse) => boolean
}

/** Serves a folder. */
export async function serveGit(root: string, { login = '', instead }: GitServerOptions = {}): Promise<GitServer> {
  const requests: string[] = []
  const authorizations: string[] = []
  const expected = `Basic ${Buffer.from(login).toString('base64')}`
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    requests.push(`${method} ${url}`)
    if (headers.authorization !== undefined) authorizations.push(headers.authorization)
    if (instead?.(request, response) === true) return
    const [, kind = '', path = ''] = /^\/(smart|dumb|private)(\/[^?]*)/.exec(url) ?? []
    if (kind === 'private' && headers.authorization?.toLowerCase() !== expected.toLowerCase()) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
    } else if (kind !== '' && kind !== 'dumb' && path.includes('.git/')) httpBackend(root, path, { request, response })
    else plainFile(join(root, kind === '' ? url : path), response)
  })
  await listening(server)
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    authorizations,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function listening(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
}

/** Runs `git http-backend` as a CGI program (RFC 3875). */
function httpBackend(
  root: string,
  path: string,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): void {
  const { headers, method, url = '' } = request
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      PATH_INFO: path,
      QUERY_STRING: url.split('?')[1] ?? '',
      REQUEST_METHOD: method,
      CONTENT_TYPE: headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      ...(typeof headers['git-protocol'] === 'string' && { GIT_PROTOCOL: headers['git-protocol'] }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  child.stdin.on('error', () => undefined)
  request.pipe(child.stdin)
  const parts: Buffer[] = []
  child.stdout.on('data', (part: Buffer) => parts.push(part))
  child.on('close', () => {
    const all = Buffer.concat(parts)
    const end = all.indexOf('\r\n\r\n')
    const lines = all.toString('latin1', 0, end).split('\r\n')
    let status = 200
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^:]+): (.*)$/.exec(line) ?? []
      if (name === 'Status') status = Number.parseInt(value, 10)
      else if (name !== '') response.setHeader(name, value)
    }
    response.writeHead(status).end(all.subarray(end + 4))
  })
}

function plainFile(file: string, response: ServerResponse): void {
  if (existsSync(file) && statSync(file).isFile()) createReadStream(file).pipe(response.writeHead(200))
  else response.writeHead(404).end()
}

/** A bare repository that commits are put into. */
export interface TestRepository {
  /** Folder of the bare repository, `…/NAME.git`. */
  readonly dir: string
  /** Runs git on it; standard output, trimmed. */
  git(...args: readonly string[]): string
  /** Commits these files, and no others, to a branch; the commit's name. `time` is in seconds since 1970. */
  commit(files: TestFiles, options?: { readonly branch?: string; readonly time?: number }): string
}

/** Text of a file, a link, a program, or the commit of a submodule. */
export type TestFiles = Readonly<
  Record<string, string | { readonly linkTo: string } | { readonly program: string } | { readonly commit: string }>
>

/** Makes a bare repository whose branch is `main`. */
export function newRepository(dir: string): TestRepository {
  mkdirSync(dirname(dir), { recursive: true })
  const run = (args: readonly string[], time = 1_600_000_000, input = ''): string =>
    execFileSync('git', args, { encoding: 'utf8', env: committer(time), input }).trim()
  run(['init', '-q', '--bare', '--initial-branch=main', dir])
  const git: TestRepository['git'] = (...args) => run(['-C', dir, ...args])
  git('config', 'uploadpack.allowAnySHA1InWant', 'true')
  const commit: TestRepository['commit'] = (files, { branch = 'main', time } = {}) => {
    const index = join(dir, 'index')
    writeFileSync(index, '')
    git('read-tree', '--empty')
    const lines = Object.entries(files).map(([path, file]) => {
      if (typeof file === 'object' && 'commit' in file) return `160000 ${file.commit}\t${path}`
      const [mode, text] =
        typeof file === 'string'
          ? ['100644', file]
          : 'linkTo' in file
            ? ['120000', file.linkTo]
            : ['100755', file.program]
      return `${mode} ${run(['-C', dir, 'hash-object', '-w', '--stdin'], time, text)}\t${path}`
    })
    run(['-C', dir, 'update-index', '--add', '--index-info'], time, `${lines.join('\n')}\n`)
    const tree = git('write-tree')
    const parent = git('for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`)
    const parents = parent === '' ? [] : ['-p', parent]
    const made = run(['-C', dir, 'commit-tree', tree, ...parents, '-m', 'commit'], time)
    git('update-ref', `refs/heads/${branch}`, made)
    git('update-server-info')
    return made
  }
  return { dir, git, commit }
}

/** Nothing of the user's git, and the same names each time. */
function committer(time: number): NodeJS.ProcessEnv {
  const when = `${time} +0000`
  return {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@example.com',
    GIT_AUTHOR_DATE: when,
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.com',
    GIT_COMMITTER_DATE: when,
  }
}
