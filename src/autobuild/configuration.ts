/** The configuration as a file that may change while the server runs. */
import { readFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { WherryError, errnoOf } from '../core/errors.ts'
import { sleep } from '../core/schedule.ts'
import { parseConfig } from './config.ts'
import type { AutobuildConfig } from './contract.ts'
import { checkSecrets } from './secrets.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** How often the file is looked at, in milliseconds. */
const lookEvery = 1000

/** Reads and checks a file. @throws WherryError `config-invalid` */
export async function readConfiguration(path: string, env: Environment): Promise<AutobuildConfig> {
  return checked(await textOf(path), path, env)
}

/** Calls `changed` with every new configuration, and `refused` with what is wrong with one; ends when the signal fires. */
export async function watchConfiguration(
  path: string,
  env: Environment,
  told: {
    changed(this: void, config: AutobuildConfig): Promise<void>
    refused(this: void, error: unknown): void
    readonly signal: AbortSignal
  },
): Promise<void> {
  let last = await textOf(path).catch(() => '')
  while (!told.signal.aborted) {
    await sleep(lookEvery, told.signal).catch(() => undefined)
    // A file that is being replaced is looked at again.
    const text = await textOf(path).catch(() => last)
    if (text === last) continue
    last = text
    try {
      await told.changed(await checked(text, path, env))
    } catch (error) {
      told.refused(error)
    }
  }
}

async function checked(text: string, path: string, env: Environment): Promise<AutobuildConfig> {
  const config = parseConfig({ text, file: basename(path), folder: dirname(path) })
  await checkSecrets(config, env)
  return config
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new WherryError('config-invalid', `${path} cannot be read (${errnoOf(cause) ?? 'error'})`, { cause })
  }
}
