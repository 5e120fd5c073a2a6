/** What `wherry inspect` shows of a container: docker's fields. */
import { join } from 'node:path'
import { runtimeOf } from '../oci/config.ts'
import type { ContainerMount, Store } from '../store/contract.ts'
import { folders } from '../store/formats.ts'
import { snapshotPlace } from '../store/snapshot-folders.ts'
import { type ContainerFacts, stateOf } from './container-rows.ts'
import { diskUse } from './disk-use.ts'

/** How docker writes a time that has not been. */
const never = '0001-01-01T00:00:00Z'

/** The object for a container; with `size` also what its files take. */
export async function containerInspection(facts: ContainerFacts, store: Store, size: boolean): Promise<object> {
  const { record } = facts
  const { entrypoint = [], cmd = [] } = runtimeOf({ raw: record.config })
  const [path = '', ...args] = [...entrypoint, ...cmd]
  const tree = join(store.root, folders.containers, record.place, record.id)
  return {
    Id: record.id,
    Created: record.createdAt,
    Path: path,
    Args: args,
    State: stateInspection(facts),
    Image: record.image,
    Name: `/${record.name}`,
    Platform: record.config['os'] ?? 'linux',
    Driver: record.place.split('-')[0],
    HostConfig: {
      AutoRemove: record.autoRemove,
      NetworkMode: record.network,
      Binds: record.mounts.filter(({ kind }) => kind === 'bind').map(bindText),
    },
    GraphDriver: await graphDriver(facts, tree, store),
    ...(size ? await sizes(facts, tree, store) : {}),
    Mounts: record.mounts.map(mountInspection),
    Config: { Hostname: record.hostname, Image: record.imageName, ...objectOf(record.config['config']) },
    // Nothing of the network is the container's own: its ports are the host's.
    NetworkSettings: { Networks: { [record.network]: { IPAddress: '' } }, Ports: {} },
  }
}

function objectOf(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {}
}

function stateInspection(facts: ContainerFacts): object {
  const { record, holder } = facts
  const status = stateOf(facts)
  const isRunning = status === 'running'
  return {
    Status: status,
    Running: isRunning,
    Paused: false,
    Pid: isRunning ? (holder?.pid ?? 0) : 0,
    ExitCode: status === 'exited' ? (record.exit?.code ?? 137) : 0,
    Error: '',
    StartedAt: record.startedAt ?? never,
    FinishedAt: record.exit?.at ?? never,
  }
}

function bindText({ source, target, readOnly }: ContainerMount): string {
  return `${source}:${target}${readOnly ? ':ro' : ''}`
}

function mountInspection({ kind, source, target, readOnly }: ContainerMount): object {
  return {
    Type: kind,
    ...(kind === 'volume' ? { Name: source } : {}),
    Source: source,
    Destination: target,
    RW: !readOnly,
  }
}

async function graphDriver({ record }: ContainerFacts, tree: string, store: Store): Promise<object> {
  const below = await snapshotPlace(
    store,
    record.layers.map((layer) => layer.diffId),
  )
  const lower = below === undefined ? {} : { LowerDir: below.folders.join(':') }
  return { Name: record.place.split('-')[0], Data: { ...lower, UpperDir: join(tree, 'fs') } }
}

/** Files that belong to mapped ids and may not be looked at from here are not counted. */
async function sizes({ record }: ContainerFacts, tree: string, store: Store): Promise<object> {
  const { bytes } = await diskUse(tree)
  const layers = await Promise.all(record.layers.map(({ diffId }) => store.layers.get(diffId)))
  const image = layers.reduce((sum, layer, i) => sum + (layer?.size ?? record.layers[i]!.blob.size), 0)
  return { SizeRw: bytes, SizeRootFs: image + bytes }
}
