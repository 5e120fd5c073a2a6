/** The environment that git runs in: the user's ways to reach and read repositories, and nothing that changes what comes out. */
import { dirname } from 'node:path'
import type { GitSettings } from './run.ts'

type Environment = Record<string, string | undefined>

/** Variables of git that are the user's: how servers are reached, what they are told, where the configuration is. */
const kept =
  /^GIT_(ASKPASS|SSH|SSH_COMMAND|SSH_VARIANT|SSL_\w+|HTTP_\w+|PROXY_\w+|EXEC_PATH|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM))$/

/** Settings that hold for every checkout, whatever configuration the user has. */
const fixed: readonly (readonly [key: string, value: string])[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.autocrlf', 'false'],
  ['core.eol', 'lf'],
  ['core.fileMode', 'true'],
  ['core.symlinks', 'true'],
  ['core.attributesFile', '/dev/null'],
  ['core.sharedRepository', 'false'],
  ['core.sparseCheckout', 'false'],
  ['checkout.workers', '1'],
  ['fetch.recurseSubmodules', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['advice.detachedHead', 'false'],
  ['init.defaultBranch', 'master'],
]

/**
 * The variables for git in a folder. Settings that the user gave as GIT_CONFIG_* stay, before those of wherry, which win;
 * credentials are settings too, so that they are in no argument and no file.
 */
export function gitEnvironment(folder: string, { env, auth, login }: GitSettings): Environment {
  const own = Object.entries(env).filter(([name]) => !name.startsWith('GIT_') || kept.test(name))
  const config = [
    ...userConfig(env),
    ...fixed,
    ...(auth === undefined ? [] : [[`http.${auth.url}.extraHeader`, `Authorization: ${auth.header}`] as const]),
    ...(login === undefined ? [] : [[`url.${login.full}.insteadOf`, login.bare] as const]),
  ]
  return {
    ...Object.fromEntries(own),
    ...configVariables(config),
    // Messages are searched for why something failed.
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'http:https:ssh:git',
    GIT_LFS_SKIP_SMUDGE: '1',
    // No repository around the store is taken for the one meant.
    GIT_CEILING_DIRECTORIES: dirname(folder),
  }
}

function userConfig(env: Environment): (readonly [string, string])[] {
  const count = Number.parseInt(env['GIT_CONFIG_COUNT'] ?? '0', 10)
  const found: (readonly [string, string])[] = []
  for (let i = 0; i < count && i < 1000; i++) {
    const [key, value] = [env[`GIT_CONFIG_KEY_${i}`], env[`GIT_CONFIG_VALUE_${i}`]]
    if (key !== undefined && value !== undefined) found.push([key, value])
  }
  return found
}

function configVariables(config: readonly (readonly [string, string])[]): Environment {
  const variables: Environment = { GIT_CONFIG_COUNT: String(config.length) }
  for (const [i, [key, value]] of config.entries()) {
    variables[`GIT_CONFIG_KEY_${i}`] = key
    variables[`GIT_CONFIG_VALUE_${i}`] = value
  }
  return variables
}
