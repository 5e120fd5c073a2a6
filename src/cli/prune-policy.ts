/** Options of the commands that delete what is not needed, and what they come to; pure. */
import { WherryError } from '../core/errors.ts'
import { parseByteSize } from '../dockerfile/byte-size.ts'
import { keepUsedMs } from '../store/collect.ts'
import type { CollectionPolicy } from '../store/contract.ts'
import type { OptionTable, OptionValues } from './command.ts'
import { parseTime } from './time-filter.ts'

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

/** Options of `wherry prune`, which deletes images too. */
export const imagePruneOptions = {
  ...pruneOptions,
  all: { kind: 'boolean', short: 'a', help: 'All images that no container uses, and the whole build cache' },
  filter: {
    kind: 'list',
    value: 'KEY=VALUE',
    help: 'until=WHEN: images made, and cache last used, before a time or longer ago than a duration; label=KEY[=VALUE], label!=KEY[=VALUE]: images alone, with or without a label',
  },
} as const satisfies OptionTable

/** What is to go. */
export interface PrunePolicy extends CollectionPolicy {
  /** Cache mounts: only what was last used before this, in milliseconds since 1970. */
  readonly mountsUsedBefore: number
  /** Images: only what was made before this. */
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

function parseUntil(filter: string, nowMs: number): number {
  const [, text] = /^until=(.+)$/.exec(filter) ?? []
  if (text !== undefined) return parseTime(text, nowMs, `--filter "${filter}"`)
  throw new WherryError('usage', `--filter "${filter}" is not possible`, { hint: 'Write until=24h or until=TIME.' })
}

function parseSize(text: string): number {
  const bytes = parseByteSize(text)
  if (bytes !== undefined) return bytes
  throw new WherryError('usage', `--keep-storage is "${text}", which is no size`, { hint: 'Write 500m or 10g.' })
}
