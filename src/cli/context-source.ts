/** What the context argument, -f and --build-context name: folders, repositories, URLs, archives; pure. */
import { isAbsolute, resolve } from 'node:path'
import type { BuildRequest } from '../build/contract.ts'
import { contextName } from '../build/context/context-name.ts'
import { WherryError } from '../core/errors.ts'
import { parseGitRef } from '../dockerfile/git-ref.ts'

/** The part of a request that says where files come from. */
type Sources = Pick<BuildRequest, 'context' | 'dockerfile' | 'remote'>

/** Whether a path is there; tells `github.com/…` the folder from the repository. */
type Exists = (path: string) => boolean

/**
 * Where context and Dockerfile are. `file` is -f as it was given; it counts from the working folder for a context that is one, and
 * from the context's root for others.
 */
export function contextSources(
  context: string,
  file: string | undefined,
  { cwd, exists }: { readonly cwd: string; readonly exists: Exists },
): Sources {
  const kind = parseGitRef(context, { shorthand: !exists(resolve(cwd, context)) }) ? 'git' : urlKind(context)
  if (kind !== undefined) return { context: '', dockerfile: file ?? '', remote: { kind, url: context } }
  const folder = resolve(cwd, context)
  const dockerfile = file === undefined ? resolve(folder, 'Dockerfile') : isWeb(file) ? file : resolve(cwd, file)
  return { context: folder, dockerfile }
}

function urlKind(text: string): 'url' | undefined {
  return isWeb(text) ? 'url' : undefined
}

function isWeb(text: string): boolean {
  return /^https?:\/\//.test(text)
}

/**
 * Reads `--build-context NAME=VALUE`: paths become absolute, names are those that FROM and --from are compared with.
 * @throws WherryError `usage`
 */
export function namedContexts(values: readonly string[], cwd: string): Record<string, string> {
  const contexts: Record<string, string> = {}
  for (const text of values) {
    const equals = text.indexOf('=')
    const [name, value] = equals < 0 ? ['', ''] : [text.slice(0, equals), text.slice(equals + 1)]
    if (name === '' || value === '') {
      throw new WherryError('usage', `--build-context "${text}" is not NAME=VALUE`, {
        hint: 'Write --build-context NAME=FOLDER, or NAME=docker-image://IMAGE.',
      })
    }
    contexts[contextName(name)] = absolute(value, cwd)
  }
  return contexts
}

function absolute(value: string, cwd: string): string {
  const layout = /^oci-layout:\/\/(.*)$/s.exec(value)?.[1]
  if (layout !== undefined) return `oci-layout://${isAbsolute(layout) ? layout : `${cwd}/${layout}`}`
  if (/^(docker-image:\/\/|target:)/.test(value) || isWeb(value) || parseGitRef(value) !== undefined) return value
  return resolve(cwd, value)
}
