/** `wherry inspect`: images as JSON, with docker's field names. */
import { type WherryError, asWherryError } from '../../core/errors.ts'
import { diffIdsOf } from '../../oci/config.ts'
import { historyKeys } from '../../oci/steps.ts'
import { snapshotPlace } from '../../store/snapshot-folders.ts'
import type { ContainerRecord, Store } from '../../store/contract.ts'
import { defineCommand } from '../command.ts'
import { formatObjects } from '../format.ts'
import { factsForPlatform } from '../image-platform.ts'
import { imageInspection } from '../inspection.ts'
import { type Io, noteLine, printLine } from '../io.ts'
import { registryOptions } from '../registry-options.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE|CONTAINER...',
  arguments: [1, Infinity],
  options: {
    format: {
      kind: 'string',
      short: 'f',
      value: 'FORMAT',
      help: '"json", or a Go template such as "{{.Config.User}}"',
    },
    type: { kind: 'string', choices: ['image', 'container'], help: 'Only objects of this kind' },
    platform: {
      kind: 'string',
      value: 'OS/ARCH[/VARIANT]',
      help: 'Of an image for several platforms, the one for this',
    },
    remote: { kind: 'boolean', help: 'Ask the registry, and pull nothing' },
    size: { kind: 'boolean', short: 's', help: 'What the files of a container take: SizeRw and SizeRootFs' },
    ...registryOptions,
  },
  examples: [
    ["wherry inspect -f '{{json .Config.Env}}' me/app", 'One field'],
    ['wherry inspect --remote debian:12', 'What the registry has, an index with its platforms in Manifests'],
  ],
  run: async ({ options, args }, io) => {
    const store = await openStoreFor(options, io)
    const objects: object[] = []
    const missing: WherryError[] = []
    for (const query of args) {
      try {
        if (options.remote) objects.push(await (await import('../inspect-remote.ts')).inspectRemote(query, options, io))
        else objects.push(await inspectStored(store, query, options))
      } catch (error) {
        missing.push(asWherryError(error))
      }
    }
    show(objects, options.format, io)
    for (const error of missing) noteLine(io, `ERROR: ${error.message} [${error.code}]`)
    return missing.length === 0 ? 0 : 1
  },
})

function show(objects: readonly object[], format: string | undefined, io: Io): void {
  if (format === undefined) printLine(io, JSON.stringify(objects, null, 4))
  else io.stdout.write(format === 'json' ? `${JSON.stringify(objects)}\n` : formatObjects(objects, format))
}

interface Wanted {
  readonly type: string | undefined
  readonly platform: string | undefined
  readonly size: boolean
}

/** As in docker, a container comes before an image of the same name. */
async function inspectStored(store: Store, query: string, { type, platform, size }: Wanted): Promise<object> {
  const isImage = type === 'image' || platform !== undefined
  const record = isImage ? undefined : await containerOf(store, query, type === 'container')
  if (record === undefined) return inspectImage(store, query, platform)
  const { containerInspection } = await import('../container-inspection.ts')
  return containerInspection({ record, holder: await store.containers.holder(record) }, store, size)
}

/** The container, or undefined if there is none and an image may be meant. @throws WherryError `container-not-found` */
async function containerOf(store: Store, query: string, isOne: boolean): Promise<ContainerRecord | undefined> {
  const name = query.replace(/^\//, '')
  if (isOne) return store.containers.resolve(name)
  const records = await store.containers.list()
  const exact = records.find((record) => record.name === name || record.id === name)
  return exact ?? records.find(({ id }) => /^[0-9a-f]{4,}$/.test(name) && id.startsWith(name))
}

async function inspectImage(store: Store, query: string, platform: string | undefined): Promise<object> {
  const facts = await factsForPlatform(store, query, platform)
  const snapshot = await snapshotPlace(store, diffIdsOf(facts.config))
  const { idsByHistory } = await import('../../store/step-images.ts')
  const below = historyKeys(facts.config).at(-2)
  const parent = below && (await idsByHistory(store.trails)).get(below)
  return imageInspection(facts, snapshot, parent ?? '')
}
