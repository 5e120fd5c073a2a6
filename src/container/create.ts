/** New containers: an image's config with what the user set over it, and a record. */
import { randomBytes } from 'node:crypto'
import { WherryError } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import { type ImageConfig, emptyConfig, runtimeOf, withRuntime } from '../oci/config.ts'
import { type Image, chainIdsOf, configDocument, manifestDocument } from '../oci/image.ts'
import { hostPlatform } from '../oci/platform.ts'
import { familiarRepository, parseReference } from '../oci/reference.ts'
import type { ContainerMount, ContainerRecord, Lease } from '../store/contract.ts'
import { pullImage } from '../transfer/pull.ts'
import type { ContainerDeps } from './deps.ts'
import { freeName, workingName } from './names.ts'

/** What to make a container of. */
export interface CreateRequest {
  /** A reference, an id, or `scratch`. */
  readonly image: string
  readonly pull: 'missing' | 'always' | 'never'
  readonly name?: string
  /** A name is made from the image's, as buildah does; else it is of two words. */
  readonly isWorking: boolean
  /** Set over the image's config. */
  readonly over: ConfigOver
  readonly hostname?: string
  readonly network: 'host' | 'none'
  readonly mounts: readonly ContainerMount[]
  /** Every VOLUME of the image gets a volume. */
  readonly withVolumes: boolean
  readonly autoRemove: boolean
}

/** Settings of a run that become the container's. */
export interface ConfigOver {
  /** `NAME=value`. */
  readonly env: readonly string[]
  /** Replaces CMD if there are any. */
  readonly command: readonly string[]
  /** Replaces ENTRYPOINT; the image's CMD then does not count. */
  readonly entrypoint?: readonly string[]
  readonly user?: string
  readonly workingDir?: string
  readonly stopSignal?: string
  readonly labels?: Readonly<Record<string, string>>
}

/**
 * Makes a container; its image is pulled if it has to be. Nothing is unpacked yet.
 * @throws WherryError `container-in-use` if the name is taken, and what pulling throws
 */
export async function createContainer(
  request: CreateRequest,
  deps: ContainerDeps,
  scope: Scope,
): Promise<ContainerRecord> {
  const lease = await deps.store.lease()
  try {
    const { image, manifest } = await imageFor(request, { deps, scope, lease })
    const place = await deps.trees.containers.place()
    const id = randomBytes(32).toString('hex')
    const record: ContainerRecord = {
      id,
      name: await nameFor(request, deps),
      place,
      image: configDocument(image).descriptor.digest,
      manifest,
      imageName: request.image,
      layers: image.layers.map(({ diffId, blob }) => ({ diffId, blob })),
      config: withOver(image.config, request.over).raw,
      hostname: request.hostname ?? id.slice(0, 12),
      mounts: withImageVolumes(request, image.config),
      network: request.network,
      createdAt: new Date().toISOString(),
      autoRemove: request.autoRemove,
    }
    await deps.store.containers.create(record)
    return record
  } finally {
    await lease.release()
  }
}

interface Making {
  readonly deps: ContainerDeps
  readonly scope: Scope
  readonly lease: Lease
}

async function imageFor(
  { image: name, pull: policy }: CreateRequest,
  { deps, scope, lease }: Making,
): Promise<{ readonly image: Image; readonly manifest: ContainerRecord['manifest'] }> {
  if (name === 'scratch') return scratch(deps)
  const stored = policy === 'always' ? undefined : await storedId(deps, name)
  const pulled = await pullImage({ name: stored ?? name, platform: hostPlatform(), policy }, deps, scope)
  const diffIds = pulled.image.layers.map((layer) => layer.diffId)
  await lease.hold(pulled.manifest, ...diffIds, ...chainIdsOf(diffIds))
  return pulled
}

/** The id of an image in the store by any of its names, id prefixes included. */
async function storedId({ store }: ContainerDeps, query: string): Promise<string | undefined> {
  try {
    return (await store.images.resolve(query)).id
  } catch (error) {
    if (error instanceof WherryError && error.code === 'image-not-found' && error.details === undefined)
      return undefined
    throw error
  }
}

async function scratch({ store }: ContainerDeps): ReturnType<typeof imageFor> {
  const image: Image = { config: emptyConfig(hostPlatform()), layers: [], annotations: {} }
  const [config, manifest] = [configDocument(image), manifestDocument(image)]
  for (const { bytes } of [config, manifest]) await store.blobs.write(bytes)
  return { image, manifest: manifest.descriptor.digest }
}

async function nameFor({ name, isWorking, image }: CreateRequest, { store }: ContainerDeps): Promise<string> {
  if (name !== undefined) return name
  const taken = new Set((await store.containers.list()).map((record) => record.name))
  return isWorking ? workingName(repositoryOf(image), taken) : freeName(taken, Math.random)
}

function repositoryOf(image: string): string {
  if (/^(sha256:)?[0-9a-f]{12,64}$/.test(image)) return image.replace('sha256:', '').slice(0, 12)
  return image === 'scratch' ? image : familiarRepository(parseReference(image))
}

function withOver(config: ImageConfig, over: ConfigOver): ImageConfig {
  const { env, labels } = runtimeOf(config)
  let made = config
  if (over.env.length > 0) made = withRuntime(made, 'Env', mergeEnv(env, over.env))
  if (over.entrypoint !== undefined) {
    made = withRuntime(made, 'Entrypoint', over.entrypoint.length === 0 ? undefined : over.entrypoint)
    made = withRuntime(made, 'Cmd', undefined)
  }
  if (over.command.length > 0) made = withRuntime(made, 'Cmd', over.command)
  if (over.user !== undefined) made = withRuntime(made, 'User', over.user)
  if (over.workingDir !== undefined) made = withRuntime(made, 'WorkingDir', over.workingDir)
  if (over.stopSignal !== undefined) made = withRuntime(made, 'StopSignal', over.stopSignal)
  if (over.labels !== undefined) made = withRuntime(made, 'Labels', { ...labels, ...over.labels })
  return made
}

/** Variables with others set over them. */
export function mergeEnv(base: readonly string[], over: readonly string[]): string[] {
  const nameOf = (line: string): string => line.split('=', 1)[0] ?? ''
  return [...new Map([...base, ...over].map((line) => [nameOf(line), line])).values()]
}

/** Each VOLUME of the image where nothing else is mounted gets one of its own. */
function withImageVolumes({ mounts, withVolumes }: CreateRequest, config: ImageConfig): ContainerMount[] {
  const paths = withVolumes ? runtimeOf(config).volumes : []
  const isFree = (path: string): boolean => !mounts.some(({ target }) => plain(target) === plain(path))
  return [...mounts, ...paths.filter(isFree).map(anonymousVolume)]
}

/** A volume that nobody has named. */
export function anonymousVolume(target: string): ContainerMount {
  return { kind: 'volume', source: randomBytes(32).toString('hex'), target, readOnly: false, anonymous: true }
}

function plain(path: string): string {
  return `/${path
    .split('/')
    .filter((part) => part !== '')
    .join('/')}`
}
