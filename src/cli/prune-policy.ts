/** Options of the commands that delete what is not needed, and what they come to; pure. */
import { WherryError } from '../core/errors.ts'
import { parseByteSize } from '../dockerfile/byte-size.ts'
import { parseDuration } from '../dockerfile/duration.ts'
import { keepUsedMs } from '../store/collect.ts'
import type { CollectionPolicy } from '../store/contract.ts'
import type { OptionTable, OptionValues } from './command.ts'

export const pruneOptions = {
  all: { kind: 'boolean', short: 'a', help: 'Also build cache and cache mounts that were used recently' },
  force: { kind: 'boolean', short: 'f', help: 'Do not ask' },
  filter: {
    kind: 'list',
    value: 'until=WHEN',
    help: 'Only what was last used before a time, or longer ago than a duration (default 14 days)',
  },
  'keep-storage': {
    kind: 'string',
    value: 'SIZE',
    aliases: ['max-used-space'],
    help: 'Delete no more cache, longest unused first, than it takes to come down to this size',
  },
  'dry-run': { kind: 'boolean', help: 'Only say what would be deleted' },
} as const satisfies OptionTable

/** What is to go. */
export interface PrunePolicy extends CollectionPolicy {
  /** Cache mounts: only what was last used before this, in milliseconds since 1970. */
  readonly mountsUsedBefore: number
  /** Images without a name: only what came into the store before this. */
  readonly imagesBefore: number
}

/** The policy that the options ask for. @throws WherryError `usage` */
export function prunePolicy(options: OptionValues<typeof pruneOptions>, nowMs: number): PrunePolicy {
  const until = options.filter.map((filter) => parseUntil(filter, nowMs)).at(-1)
  const keepBytes = options['keep-storage'] === undefined ? undefined : parseSize(options['keep-storage'])
  const wanted = until ?? (options.all ? Infinity : undefined)
  const lately = nowMs - keepUsedMs
  return {
    usedBefore: wanted ?? (keepBytes === undefined ? lately : Infinity),
    ...(keepBytes !== undefined && { keepBytes }),
    dryRun: options['dry-run'],
    mountsUsedBefore: wanted ?? lately,
    imagesBefore: until ?? Infinity,
  }
}

/** `until=24h`, `until=2026-01-02T15:04:05Z`, `until=1767366245`, as docker reads it: durations reach back from now. */
function parseUntil(filter: string, nowMs: number): number {
  const [, text] = /^until=(.+)$/.exec(filter) ?? []
  if (text === undefined) {
    throw new WherryError('usage', `--filter "${filter}" is not possible`, { hint: 'Write until=24h or until=TIME.' })
  }
  if (/^\d+$/.test(text)) return Number(text) * 1000
  const time = /^\d{4}-/.test(text) ? Date.parse(text) : nowMs - durationMs(text, filter)
  if (!Number.isNaN(time)) return time
  throw new WherryError('usage', `--filter "${filter}": this is no time`)
}

function durationMs(text: string, filter: string): number {
  try {
    return parseDuration(text) / 1e6
  } catch (cause) {
    const hint = 'Write until=24h or until=2026-01-02T15:04:05Z.'
    throw new WherryError('usage', `--filter "${filter}": this is no duration and no time`, { hint, cause })
  }
}

function parseSize(text: string): number {
  const bytes = parseByteSize(text)
  if (bytes !== undefined) return bytes
  throw new WherryError('usage', `--keep-storage is "${text}", which is no size`, { hint: 'Write 500m or 10g.' })
}
