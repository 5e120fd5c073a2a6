/** Files of build args, as buildah's --build-arg-file takes them. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { WherryError } from '../core/errors.ts'

/**
 * The build args of files, as `--build-arg` would have them, in order. Empty lines and lines that begin with `#` are skipped.
 * @throws WherryError `usage` if a file cannot be read or a line has no key
 */
export async function readBuildArgFiles(files: readonly string[], cwd: string): Promise<string[]> {
  const args: string[] = []
  for (const file of files) {
    const lines = (await readText(resolve(cwd, file))).split(/\r?\n/)
    for (const [i, line] of lines.entries()) {
      if (line === '' || line.startsWith('#')) continue
      if (line.startsWith('='))
        throw new WherryError('usage', `${file}:${i + 1}: "${line}" has no key`, { hint: 'Write KEY=VALUE.' })
      args.push(line)
    }
  }
  return args
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new WherryError('usage', `--build-arg-file ${path} cannot be read: ${String(cause)}`, { cause })
  }
}
