/** From a run as it was asked for to the process that the sandbox starts. */
import type { ProcessSpec } from '../../sandbox/contract.ts'
import type { TreeRun } from '../contract.ts'
import { makeFolders, readUser } from './root-files.ts'

/** What the root file system at `root` says about the process. Makes its working directory. */
export function specOf(
  root: string,
  run: Omit<TreeRun, 'layers' | 'foreground' | 'output' | 'onFailure'>,
): Omit<ProcessSpec, 'stdio'> {
  const { args, secretEnv, cwd, network, hostname, extraHosts, script, shmSize, ulimits: limits } = run
  const user = readUser(root, run.user)
  makeFolders(root, cwd)
  const hasHome = [...run.env, ...(secretEnv ?? [])].some((line) => line.startsWith('HOME='))
  const { uid, gid } = user
  // The primary group is one of the supplementary ones too, as containerd has it.
  const supplementaryGids = [...new Set([gid, ...user.supplementaryGids])]
  const env = hasHome ? run.env : [...run.env, `HOME=${user.home}`]
  return {
    args,
    env,
    secretEnv,
    cwd,
    uid,
    gid,
    supplementaryGids,
    network,
    hostname,
    extraHosts,
    script,
    shmSize,
    limits,
  }
}
