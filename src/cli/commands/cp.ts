/** `wherry cp`: files into a container, and out of one. */
import { createReadStream } from 'node:fs'
import { realpath, rm } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type CopySource, copyIn, copyOut, withPacked } from '../../container/copy.ts'
import type { ContainerDeps } from '../../container/deps.ts'
import { WherryError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { withContainers } from '../container-wiring.ts'
import { defineCommand } from '../command.ts'
import { type Io, noteLine } from '../io.ts'
import { scopeOf } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER:SOURCE DESTINATION | SOURCE CONTAINER:DESTINATION',
  arguments: [2, 2],
  options: {
    archive: { kind: 'boolean', short: 'a', help: 'Into a container: files keep their owners, and are not root’s' },
    'follow-link': { kind: 'boolean', short: 'L', help: 'Copy what a link SOURCE leads to' },
    quiet: { kind: 'boolean', short: 'q', help: 'Say nothing of what was done' },
  },
  examples: [
    ['wherry cp app.conf try:/etc/app/', 'Into the folder /etc/app'],
    ['wherry cp try:/var/log - | tar -t', 'Out of it, as a tar on standard output'],
  ],
  run: ({ options, args: [from = '', to = ''] }, io) => {
    const [source, target] = [placeOf(from), placeOf(to)]
    if ((source.container === undefined) === (target.container === undefined))
      throw new WherryError('usage', 'one of the two must be in a container, and the other not', {
        hint: 'Write CONTAINER:PATH for that; a path of this machine with a colon begins with ./ or /.',
      })
    return withContainers(options, io, async (deps) => {
      const copying = { deps, scope: scopeOf(io, () => undefined), io, options }
      if (source.container === undefined) await into(source.path, target, copying)
      else await outOf(source, target.path, copying)
      return 0
    })
  },
})

interface Place {
  readonly container: string | undefined
  readonly path: string
}

/** As docker tells the two apart. */
function placeOf(text: string): Place {
  const colon = text.indexOf(':')
  if (text.startsWith('/') || text.startsWith('.') || colon <= 0) return { container: undefined, path: text }
  return { container: text.slice(0, colon), path: text.slice(colon + 1) }
}

interface Copying {
  readonly deps: ContainerDeps
  readonly scope: Scope
  readonly io: Io
  readonly options: { readonly archive: boolean; readonly 'follow-link': boolean; readonly quiet: boolean }
}

async function into(path: string, { container = '', path: target }: Place, copying: Copying): Promise<void> {
  const { deps, io, options, scope } = copying
  const record = await deps.store.containers.resolve(container)
  const spool = deps.store.tempPath('copy.tar')
  try {
    let source: CopySource
    if (path === '-') {
      const { createWriteStream } = await import('node:fs')
      await pipeline(io.stdin, createWriteStream(spool), { signal: scope.signal })
      source = { tarPath: spool }
    } else source = await localSource(path, options['follow-link'], io)
    await copyIn(record, { source, target, archive: options.archive }, { deps, scope })
  } finally {
    await rm(spool, { force: true })
  }
  if (!options.quiet) noteLine(io, `Successfully copied ${path} to ${record.name}:${target}`)
}

async function localSource(path: string, followLink: boolean, { cwd }: Io): Promise<CopySource & { path: string }> {
  const full = resolve(cwd, path)
  const isFollowed = followLink || /\/\.?$/.test(path)
  // `.` and `DIR/.` are what the folder holds.
  const shown = /(^|\/)\.$/.test(path) ? `${full}/.` : full
  if (!isFollowed) return { path: shown, name: basename(full) }
  try {
    const real = await realpath(full)
    return { path: shown.endsWith('/.') ? `${real}/.` : real, name: basename(full) }
  } catch (cause) {
    throw new WherryError('copy-failed', `there is no ${path} on this machine`, { cause })
  }
}

async function outOf({ container = '', path }: Place, target: string, copying: Copying): Promise<void> {
  const { deps, io, options, scope } = copying
  if (options.archive && process.getuid?.() !== 0)
    throw new WherryError('usage', 'only root can keep the owners of files that are copied out of a container', {
      hint: 'Leave --archive out: the files are then yours. Or keep a tar: `wherry cp CONTAINER:PATH - > FILE`.',
    })
  const record = await deps.store.containers.resolve(container)
  const followLink = options['follow-link']
  if (target === '-') {
    if (io.stdout.isTTY)
      throw new WherryError('usage', 'a tar is not for a terminal', { hint: 'Add > FILE, or | tar -t.' })
    const work = (tarPath: string): Promise<void> => pipeline(createReadStream(tarPath), io.stdout, { end: false })
    return withPacked(record, { path, followLink }, { deps, scope, work })
  }
  const left = await copyOut(record, { path, target: resolveKeepingSlash(target, io), followLink }, { deps, scope })
  if (left > 0) noteLine(io, `${left} devices and fifos were left out`)
  if (!options.quiet) noteLine(io, `Successfully copied ${record.name}:${path} to ${target}`)
}

function resolveKeepingSlash(path: string, { cwd }: Io): string {
  const full = resolve(cwd, path)
  return path.endsWith('/') && full !== '/' ? `${full}/` : full
}
