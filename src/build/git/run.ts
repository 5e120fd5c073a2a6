/** Runs the host's git, without questions, hooks or surprises from a repository that nobody trusts yet. */
import { spawn } from 'node:child_process'
import { WherryError } from '../../core/errors.ts'

/** How git is run. */
export interface GitSettings {
  /** The user's environment: proxies, ssh agent, credential helpers. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Value of the Authorization header for http(s) remotes that begin with `url`. Kept out of every argument. */
  readonly auth?: { readonly url: string; readonly header: string }
  readonly signal: AbortSignal
}

/** As much of git's words as errors need, in bytes. */
const maxWords = 64 * 1024

/**
 * Runs git in a folder and returns its standard output.
 * @throws WherryError `context-invalid` with git's last words if it fails, `host-unsupported` if it is not installed, `cancelled`
 */
export async function runGit(folder: string, args: readonly string[], settings: GitSettings): Promise<string> {
  // Modes as in every checkout elsewhere, whatever umask the caller has.
  const child = spawn('sh', ['-c', 'umask 022; exec git "$@"', 'git', ...args], {
    cwd: folder,
    env: environment(settings),
    stdio: ['ignore', 'pipe', 'pipe'],
    // Without a terminal ssh asks nothing.
    detached: true,
    signal: settings.signal,
  })
  let output = ''
  let words = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')))
  child.stderr.on('data', (chunk: Buffer) => (words = (words + chunk.toString('utf8')).slice(-maxWords)))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code === 0) return output
  if (code === 127) {
    throw new WherryError('host-unsupported', 'git is not installed', {
      hint: 'Contexts and ADD from git repositories need the git program: install it.',
    })
  }
  throw new WherryError('context-invalid', `git ${args[0] ?? ''} failed: ${lastWords(words)}`)
}

function environment({ env, auth }: GitSettings): Record<string, string | undefined> {
  const config: readonly (readonly [string, string])[] = [
    ['core.hooksPath', '/dev/null'],
    ['core.fsmonitor', 'false'],
    ['advice.detachedHead', 'false'],
    ['init.defaultBranch', 'master'],
    ...(auth === undefined ? [] : [[`http.${auth.url}.extraHeader`, `Authorization: ${auth.header}`] as const]),
  ]
  const entries = config.flatMap(([key, value], i) => [
    [`GIT_CONFIG_KEY_${i}`, key],
    [`GIT_CONFIG_VALUE_${i}`, value],
  ])
  return {
    ...env,
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'http:https:ssh:git',
    GIT_CONFIG_COUNT: String(config.length),
    ...(Object.fromEntries(entries) as Record<string, string>),
    GIT_DIR: undefined,
    GIT_WORK_TREE: undefined,
    GIT_INDEX_FILE: undefined,
  }
}

/** What git said last, without the credentials that its words may repeat. */
function lastWords(words: string): string {
  const lines = words.split('\n').filter((line) => line.trim() !== '')
  const said = lines
    .slice(-4)
    .join('; ')
    .replace(/\p{Cc}+/gu, ' ')
  return said.replace(/:\/\/[^/@\s]*@/g, '://***@') || 'it said nothing'
}
