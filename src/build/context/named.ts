/** Named contexts (`--build-context`): what each name stands for, fetched when something asks for it. */
import { WherryError } from '../../core/errors.ts'
import { parseGitRef } from '../../dockerfile/git-ref.ts'
import type { Image } from '../../oci/image.ts'
import { type Platform, formatPlatform } from '../../oci/platform.ts'
import type { NamedContext } from '../../plan/contract.ts'
import type { Lease } from '../../store/contract.ts'
import { importFromLayout } from '../../transfer/layout.ts'
import type { TransferDeps } from '../../transfer/deps.ts'
import { contextName } from './context-name.ts'
import { type Fetching, fetchGit, fetchUrl } from './fetch-folder.ts'
import { isUrl } from './local-request.ts'

/** Finds contexts for a plan. */
export type FindContext = (name: string, platform: Platform) => Promise<NamedContext | undefined>

/** What contexts that are images need. */
export interface ImageSources {
  readonly deps: TransferDeps
  readonly lease: Lease
  readonly resolveBase: (name: string, platform: Platform) => Promise<Image>
}

/** A finder over `--build-context` values; `scratch` and `context` are never replaced. */
export function contextFinder(contexts: Readonly<Record<string, string>>, sources: ImageSources): FindContext {
  const layouts = new Map<string, Promise<Image>>()
  const layout = (value: string, platform: Platform): Promise<Image> => {
    const key = `${value} ${formatPlatform(platform)}`
    const known = layouts.get(key) ?? imageOfLayout(value, platform, sources)
    layouts.set(key, known)
    return known
  }
  const find = (written: string, platform: Platform): NamedContext | undefined => {
    const plain = contextName(written)
    if (['scratch', 'context'].includes(plain)) return undefined
    const name = [`${plain}::${formatPlatform(platform)}`, plain].find((one) => Object.hasOwn(contexts, one))
    if (name === undefined) return undefined
    const value = contexts[name]!
    const [, scheme = '', rest = ''] = /^(docker-image|oci-layout):\/\/(.*)$/s.exec(value) ?? []
    if (scheme === 'docker-image') {
      return rest === 'scratch'
        ? { kind: 'scratch' }
        : { kind: 'image', load: () => sources.resolveBase(rest, platform) }
    }
    if (scheme === 'oci-layout') return { kind: 'image', load: () => layout(rest, platform) }
    if (value.startsWith('target:')) return { kind: 'stage', stage: value.slice('target:'.length) }
    return { kind: 'files', name }
  }
  return (written, platform) => Promise.resolve(find(written, platform))
}

async function imageOfLayout(value: string, platform: Platform, { deps, lease }: ImageSources): Promise<Image> {
  const [, folder = value, , selector] = /^(.*?)(@(?=sha256:)|:(?=[\w.-]+$))(.*)$/s.exec(value) ?? []
  const { image, manifest } = await importFromLayout(
    { folder, platform, ...(selector !== undefined && selector !== '' && { selector }) },
    deps.store,
  )
  await lease.hold(manifest.descriptor.digest, ...image.layers.map((layer) => layer.diffId))
  return image
}

/**
 * The folder of a context of files; `isOwn` if it is no copy. A URL is one file, `context`, as in BuildKit.
 * @throws WherryError `context-invalid`, and what fetching throws
 */
export async function contextFolder(
  name: string,
  value: string | undefined,
  fetching: Fetching,
): Promise<{ readonly folder: string; readonly isOwn: boolean }> {
  if (value === undefined) throw new WherryError('internal', `no context is named ${name}`)
  if (parseGitRef(value) !== undefined) return { folder: (await fetchGit(value, {}, fetching)).folder, isOwn: false }
  if (!isUrl(value)) return { folder: value, isOwn: true }
  return { folder: (await fetchUrl(value, { unpack: false }, fetching)).folder, isOwn: false }
}
