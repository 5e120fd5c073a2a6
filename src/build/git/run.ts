/** Runs the host's git, without questions, hooks or surprises from a repository that nobody trusts yet. */
import { type ChildProcess, spawn } from 'node:child_process'
import { WherryError } from '../../core/errors.ts'
import { throwIfCancelled } from '../../core/scope.ts'
import { gitEnvironment } from './environment.ts'

/** How git is run. Credentials are kept out of every argument. */
export interface GitSettings {
  /** The user's environment: proxies, ssh agent, credential helpers. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Value of the Authorization header for http(s) remotes that begin with `url`. */
  readonly auth?: { readonly url: string; readonly header: string }
  /** URLs that begin with `bare` are asked as `full`, which has a user and a password. */
  readonly login?: { readonly bare: string; readonly full: string }
  readonly signal: AbortSignal
}

/** As much of git's words as errors need, in characters. */
const maxWords = 64 * 1024

/** No answer that wherry asks git for is longer, in characters. */
const maxOutput = 16 * 1024 * 1024

/** How long git may take to end when it is told to, in milliseconds. */
const graceMs = 2000

/**
 * Runs git in a folder and returns its standard output. When this is over, nothing that git started runs any more.
 * @throws WherryError `context-invalid` with git's last words if it fails, `host-unsupported` if it is not installed, `cancelled`
 */
export async function runGit(folder: string, args: readonly string[], settings: GitSettings): Promise<string> {
  const { signal } = settings
  throwIfCancelled(settings)
  // Modes as in every checkout elsewhere, whatever umask the caller has.
  const child = spawn('/bin/sh', ['-c', 'umask 022; exec git "$@"', 'git', ...args], {
    cwd: folder,
    env: gitEnvironment(folder, settings),
    stdio: ['ignore', 'pipe', 'pipe'],
    // Without a terminal ssh asks nothing. The group is git and all that it starts.
    detached: true,
  })
  const said = listen(child)
  const code = await ended(child, signal)
  throwIfCancelled(settings)
  if (code === 0) return said.output
  if (code === 127) {
    throw new WherryError('host-unsupported', 'git is not installed', {
      hint: 'Contexts and ADD from git repositories need the git program: install it.',
    })
  }
  throw new WherryError('context-invalid', `git ${args[0] ?? ''} failed: ${lastWords(said.words)}`)
}

function listen(child: ChildProcess): { readonly output: string; readonly words: string } {
  const said = { output: '', words: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said.output += text
    if (said.output.length > maxOutput) killGroup(child, 'SIGKILL')
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said.words = (said.words + text).slice(-maxWords)))
  return said
}

/** Waits for the end; a cancelled git is ended with its group. */
async function ended(child: ChildProcess, signal: AbortSignal): Promise<number | null> {
  let timer: NodeJS.Timeout | undefined
  const onAbort = (): void => {
    killGroup(child, 'SIGTERM')
    timer = setTimeout(() => killGroup(child, 'SIGKILL'), graceMs)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    // Helpers that outlive git hold its pipes no more, but may still talk to a server.
    killGroup(child, 'SIGKILL')
  }
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // It has ended.
  }
}

/** What git said last, without the credentials that its words may repeat. */
function lastWords(words: string): string {
  const lines = words.split('\n').filter((line) => line.trim() !== '')
  const said = lines
    .slice(-4)
    .join('; ')
    .replace(/\p{Cc}+/gu, ' ')
  return said.replace(/(https?):\/\/[^/\s]*@/g, '$1://') || 'it said nothing'
}
