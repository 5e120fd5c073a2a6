/** The rows of `wherry ps`; pure. */
import { WherryError } from '../core/errors.ts'
import { runtimeOf } from '../oci/config.ts'
import type { ContainerRecord, HoldState } from '../store/contract.ts'
import { humanAge, humanSince } from '../ui/human.ts'

/** A container, and who has it. */
export interface ContainerFacts {
  readonly record: ContainerRecord
  readonly holder: HoldState | undefined
}

/** A row with the field names of docker's `--format`. */
export interface ContainerRow {
  readonly ID: string
  readonly Image: string
  readonly ImageID: string
  readonly Command: string
  readonly CreatedAt: string
  readonly RunningFor: string
  readonly State: 'created' | 'running' | 'exited'
  readonly Status: string
  readonly Ports: string
  readonly Names: string
  readonly Labels: string
  readonly Mounts: string
  readonly LocalVolumes: string
  readonly Networks: string
}

/** What a container does at the moment. */
export function stateOf({ record, holder }: ContainerFacts): ContainerRow['State'] {
  if (holder?.kind === 'run') return 'running'
  return record.startedAt === undefined ? 'created' : 'exited'
}

/** The row of a container; `nowMs` is the time that ages are counted to. */
export function containerRow(
  facts: ContainerFacts,
  { noTrunc, nowMs }: { readonly noTrunc: boolean; readonly nowMs: number },
): ContainerRow {
  const { record } = facts
  const { entrypoint = [], cmd = [], labels, exposedPorts } = runtimeOf({ raw: record.config })
  const words = [...entrypoint, ...cmd].join(' ')
  const state = stateOf(facts)
  return {
    ID: noTrunc ? record.id : record.id.slice(0, 12),
    Image: record.imageName,
    ImageID: record.image,
    Command: `"${noTrunc || words.length <= 20 ? words : `${words.slice(0, 19)}…`}"`,
    CreatedAt: record.createdAt,
    RunningFor: humanSince(record.createdAt, nowMs),
    State: state,
    Status: statusOf(facts, state, nowMs),
    Ports: state === 'running' ? exposedPorts.join(', ') : '',
    Names: record.name,
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Mounts: record.mounts.map(({ source }) => (noTrunc ? source : source.slice(0, 15))).join(','),
    LocalVolumes: String(record.mounts.filter(({ kind }) => kind === 'volume').length),
    Networks: record.network,
  }
}

function statusOf({ record, holder }: ContainerFacts, state: ContainerRow['State'], nowMs: number): string {
  if (state === 'running') return `Up ${humanAge(Math.max(0, nowMs - Date.parse(holder?.since ?? '')) / 1000)}`
  if (state === 'created') return 'Created'
  // Killed with wherry itself, its end was seen by nobody.
  if (record.exit === undefined || record.exit.at < (record.startedAt ?? '')) return 'Exited (137)'
  return `Exited (${record.exit.code}) ${humanSince(record.exit.at, nowMs)}`
}

/** Reads `--filter` values; those of one key are alternatives, as in docker. @throws WherryError `usage` */
export function parseContainerFilters(filters: readonly string[]): (facts: ContainerFacts) => boolean {
  const byKey = new Map<string, string[]>()
  for (const filter of filters) {
    const equals = filter.indexOf('=')
    const key = equals < 0 ? filter : filter.slice(0, equals)
    if (!(key in tests) || equals < 0)
      throw new WherryError('usage', `"${filter}" is not a filter of containers`, {
        hint: `The filters are ${Object.keys(tests).join('=, ')}=.`,
      })
    byKey.set(key, [...(byKey.get(key) ?? []), filter.slice(equals + 1)])
  }
  return (facts) => [...byKey].every(([key, values]) => values.some((value) => tests[key]?.(facts, value) === true))
}

const tests: Readonly<Record<string, (facts: ContainerFacts, value: string) => boolean>> = {
  id: ({ record }, value) => record.id.startsWith(value),
  name: ({ record }, value) => record.name.includes(value),
  status: (facts, value) => stateOf(facts) === value,
  exited: ({ record }, value) => record.exit !== undefined && String(record.exit.code) === value,
  ancestor: ({ record }, value) =>
    record.imageName === value ||
    record.imageName === `${value}:latest` ||
    `${record.imageName}:latest` === value ||
    record.image === value ||
    record.image.slice('sha256:'.length).startsWith(value),
  volume: ({ record }, value) => record.mounts.some(({ source, target }) => source === value || target === value),
  label: ({ record }, value) => {
    const { labels } = runtimeOf({ raw: record.config })
    const equals = value.indexOf('=')
    return equals < 0 ? value in labels : labels[value.slice(0, equals)] === value.slice(equals + 1)
  },
}
