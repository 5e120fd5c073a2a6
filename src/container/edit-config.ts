/** Editing a container's config, as `buildah config` does; pure. */
import { WherryError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { parsePorts } from '../dockerfile/ports.ts'
import { quotedWords } from '../dockerfile/words.ts'
import { type ImageConfig, runtimeOf, withRuntime } from '../oci/config.ts'
import type { ContainerRecord } from '../store/contract.ts'
import { mergeEnv } from './create.ts'

/** What to change. A name with `-` behind it takes that one away; `-` alone takes all. */
export interface ConfigEdits {
  readonly env: readonly string[]
  readonly label: readonly string[]
  readonly port: readonly string[]
  readonly volume: readonly string[]
  readonly onbuild: readonly string[]
  readonly annotation: readonly string[]
  /** A JSON array, or words. */
  readonly cmd?: string | undefined
  /** A JSON array, or text for the shell. */
  readonly entrypoint?: string | undefined
  readonly shell?: string | undefined
  readonly workingdir?: string | undefined
  readonly user?: string | undefined
  readonly 'stop-signal'?: string | undefined
  readonly hostname?: string | undefined
  readonly author?: string | undefined
  readonly comment?: string | undefined
  readonly 'created-by'?: string | undefined
}

/** The record with the edits made. @throws WherryError `usage` */
export function editConfig(record: ContainerRecord, edits: ConfigEdits): ContainerRecord {
  const config = lists(words(texts({ raw: record.config }, edits), edits), edits)
  const { author, comment, 'created-by': createdBy, hostname } = edits
  const annotations = edited(record.commit?.annotations ?? {}, edits.annotation, '--annotation')
  return {
    ...record,
    config: config.raw,
    ...(hostname !== undefined && { hostname }),
    commit: {
      ...record.commit,
      ...(author !== undefined && { author }),
      ...(comment !== undefined && { comment }),
      ...(createdBy !== undefined && { createdBy }),
      ...(edits.annotation.length > 0 && { annotations }),
    },
  }
}

function texts(config: ImageConfig, edits: ConfigEdits): ImageConfig {
  const fields = [
    ['WorkingDir', edits.workingdir],
    ['User', edits.user],
    ['StopSignal', edits['stop-signal']],
  ] as const
  return fields.reduce(
    (made, [field, value]) => (value === undefined ? made : withRuntime(made, field, value === '' ? undefined : value)),
    config,
  )
}

function words(config: ImageConfig, { cmd, entrypoint, shell }: ConfigEdits): ImageConfig {
  let made = config
  if (shell !== undefined) made = withRuntime(made, 'Shell', argsOf(shell, 'words'))
  if (entrypoint !== undefined) {
    const args = argsOf(entrypoint, 'shell')
    made = withRuntime(made, 'Entrypoint', args.length === 0 ? undefined : args)
  }
  if (cmd !== undefined) {
    const args = argsOf(cmd, 'words')
    made = withRuntime(made, 'Cmd', args.length === 0 ? undefined : args)
  }
  return made
}

function argsOf(text: string, otherwise: 'words' | 'shell'): string[] {
  if (text.trim() === '') return []
  if (text.trimStart().startsWith('[')) {
    try {
      const value: unknown = JSON.parse(text)
      if (Array.isArray(value) && value.every((word) => typeof word === 'string')) return value
    } catch {
      // Then it is what it says, and not an array.
    }
  }
  return otherwise === 'shell' ? ['/bin/sh', '-c', text] : quotedWords(text, '\\').map(unquoted)
}

function unquoted(word: string): string {
  return word.replace(/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g, (_all, plain?: string, quoted?: string, one?: string) => {
    return plain ?? quoted?.replace(/\\(["\\$`])/g, '$1') ?? one ?? ''
  })
}

function lists(config: ImageConfig, edits: ConfigEdits): ImageConfig {
  const runtime = runtimeOf(config)
  const env = edits.env.reduce<readonly string[]>((lines, edit) => {
    if (edit === '-') return []
    if (edit.endsWith('-') && !edit.includes('='))
      return lines.filter((line) => line.split('=', 1)[0] !== edit.slice(0, -1))
    if (!edit.includes('=')) throw new WherryError('usage', `--env "${edit}" is not NAME=VALUE or NAME-`)
    return mergeEnv(lines, [edit])
  }, runtime.env)
  const labels = edited(runtime.labels, edits.label, '--label')
  const ports = editedSet(runtime.exposedPorts, edits.port, (port) => parsePorts([port]))
  const volumes = editedSet(runtime.volumes, edits.volume, (path) => [path])
  const onBuild = edits.onbuild.reduce<readonly string[]>(
    (all, one) => (one === '-' ? [] : [...all, one]),
    runtime.onBuild,
  )
  const fields = [
    ['Env', edits.env, env],
    ['Labels', edits.label, labels],
    ['ExposedPorts', edits.port, keysOf(ports)],
    ['Volumes', edits.volume, keysOf(volumes)],
    ['OnBuild', edits.onbuild, onBuild],
  ] as const
  return fields.reduce((made, [field, asked, value]) => {
    const isEmpty = Object.keys(value).length === 0
    return asked.length === 0 ? made : withRuntime(made, field, isEmpty ? undefined : (value as Json))
  }, config)
}

function keysOf(names: readonly string[]): Record<string, object> {
  return Object.fromEntries(names.map((name) => [name, {}]))
}

function edited(
  old: Readonly<Record<string, string>>,
  edits: readonly string[],
  option: string,
): Record<string, string> {
  return edits.reduce<Record<string, string>>(
    (all, edit) => {
      if (edit === '-') return {}
      const equals = edit.indexOf('=')
      if (equals > 0) return { ...all, [edit.slice(0, equals)]: edit.slice(equals + 1) }
      if (!edit.endsWith('-')) throw new WherryError('usage', `${option} "${edit}" is not NAME=VALUE or NAME-`)
      return Object.fromEntries(Object.entries(all).filter(([name]) => name !== edit.slice(0, -1)))
    },
    { ...old },
  )
}

function editedSet(
  old: readonly string[],
  edits: readonly string[],
  read: (text: string) => readonly string[],
): readonly string[] {
  return edits.reduce<readonly string[]>((all, edit) => {
    if (edit === '-') return []
    if (!edit.endsWith('-')) return [...new Set([...all, ...read(edit)])]
    const gone = read(edit.slice(0, -1))
    return all.filter((name) => !gone.includes(name))
  }, old)
}
