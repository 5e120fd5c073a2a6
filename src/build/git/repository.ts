/** A git repository as a build uses it: asked what a ref is, and checked out only when its files are needed. */
import { mkdir } from 'node:fs/promises'
import type { Scope } from '../../core/scope.ts'
import { type GitRef, withoutCredentials } from '../../dockerfile/git-ref.ts'
import type { BuildDeps } from '../deps.ts'
import type { Secrets } from '../inputs/secrets.ts'
import type { SshAgents } from '../inputs/ssh.ts'
import { type Checkout, checkoutGit, commitTime } from './checkout.ts'
import { type Resolved, resolveRef } from './resolve.ts'
import { gitSettings } from './settings.ts'

/** What reaching a repository takes. Its folders are temp files of the store. */
export interface Reaching {
  readonly deps: Pick<BuildDeps, 'store' | 'env'>
  readonly secrets: Secrets
  readonly ssh?: SshAgents | undefined
  readonly scope: Scope
}

/** One ref of one repository. */
export interface Repository {
  /** Asks the server, once. @throws as `resolveRef` */
  resolve(): Promise<Resolved>
  /** Fetches it into a folder of its own. @throws as `checkoutGit` */
  checkout(): Promise<Checkout>
  /** When it was committed, in seconds since 1970. @throws as `commitTime` */
  time(): Promise<number>
}

/** A repository; nothing is asked yet. */
export function openRepository(ref: GitRef, { deps, secrets, ssh, scope }: Reaching): Repository {
  const { store, env } = deps
  const settings = gitSettings(ref.remote, { env, secrets, ssh }, scope)
  // Whoever asks first sees the failure.
  settings.catch(() => undefined)
  let resolved: Promise<Resolved> | undefined
  const resolve = async (): Promise<Resolved> => {
    const folder = store.tempPath('git-remote')
    await mkdir(folder)
    return resolveRef(ref, folder, await settings)
  }
  const once = (): Promise<Resolved> => (resolved ??= resolve())
  const fetch = async <T>(work: () => Promise<T>): Promise<T> => {
    const told = report(withoutCredentials(ref.remote), scope)
    try {
      const result = await work()
      told('done')
      return result
    } catch (error) {
      told('failed')
      throw error
    }
  }
  return {
    resolve: once,
    checkout: async () => {
      const what = { ref, resolved: await once() }
      return fetch(async () => checkoutGit(what, store.tempPath('git'), await settings))
    },
    time: async () => {
      const what = { ref, resolved: await once() }
      return fetch(async () => commitTime(what, store.tempPath('git'), await settings))
    },
  }
}

function report(subject: string, { emit }: Scope): (outcome: 'done' | 'failed') => void {
  const id = `git ${subject}`
  const started = performance.now()
  emit({ type: 'transfer-started', id, kind: 'download', subject })
  return (outcome) => {
    const durationMs = Math.round(performance.now() - started)
    emit({ type: 'transfer-finished', id, outcome, bytes: 0, durationMs })
  }
}
