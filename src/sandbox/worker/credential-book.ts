/**
 * Who the processes of runs are. The kernel keeps it: each process is marked with the number of its credentials, and passes
 * the mark on to what it starts, whatever becomes of itself.
 */
import { markOf, markProcess, remoteStatus } from '../../host/remote.ts'
import { type Credentials, rootCredentials } from '../credentials.ts'
import type { CredentialBook } from './answers.ts'

/** A book in which every process is root at first. */
export function createCredentialBook(): CredentialBook {
  const all: Credentials[] = [rootCredentials]
  const numbers = new Map<string, number>([[keyOf(rootCredentials), 0]])
  return {
    of: (pid) => all[markOf(pid) ?? 0] ?? rootCredentials,
    set: (pid, who) => {
      const key = keyOf(who)
      const known = numbers.get(key)
      if (known === undefined) numbers.set(key, all.push(who) - 1)
      // Where the kernel refuses (a hard limit) the process stays what it was, but is told that it succeeded.
      markProcess(pid, known ?? all.length - 1)
    },
  }
}

function keyOf({ uids, gids, groups, keepsCapabilities }: Credentials): string {
  return JSON.stringify([uids, gids, groups, keepsCapabilities])
}

/** Where ids are real: the kernel's, which nobody sets here. */
export const realCredentials: CredentialBook = {
  of: (pid) => {
    const ids = (name: string): number[] => (remoteStatus(pid, name) ?? '').split(/\s+/).map(Number)
    const [uids, gids] = [ids('Uid'), ids('Gid')]
    const triple = ([real = -1, effective = -1, saved = -1]: number[]): Credentials['uids'] => [real, effective, saved]
    return { uids: triple(uids), gids: triple(gids), groups: [] }
  },
  set: () => undefined,
}
