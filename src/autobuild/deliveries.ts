/** Which webhooks were taken, so that none is taken twice: a bounded list in a file that is only ever appended to. */
import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ifStillThere } from '../core/if-there.ts'
import { syncDirectory } from '../host/durable.ts'
import type { DeliveryNames } from './hosts/delivery.ts'

/** As many names are remembered; two for most deliveries. */
const maxNames = 20_000

/** The list. */
export interface Deliveries {
  /** Takes a delivery of a repository, until it is kept or given back. Undefined if it was taken before. */
  claim(repository: string, names: DeliveryNames): Claim | undefined
}

/** A delivery that nobody else can take. */
export interface Claim {
  /** Remembers it for good; resolves when it is on the disk. */
  keep(): Promise<void>
  /** What it asked for was not done: it may come again. */
  giveBack(): void
}

/** Opens the list, and shortens its file where it has grown. A line that was torn by a crash is left out. */
export async function openDeliveries(path: string): Promise<Deliveries> {
  const text = (await ifStillThere(readFile(path, 'utf8'))) ?? ''
  const lines = text.split('\n').filter(isLine)
  const seen = new Set<string>()
  const last = new Map<string, string>()
  const learn = (line: string): void => {
    const [, repository, name] = /^last (\S+) (.*)$/.exec(line) ?? []
    if (repository !== undefined && name !== undefined) last.set(repository, name)
    else {
      seen.delete(line)
      seen.add(line)
    }
    for (const oldest of seen) {
      if (seen.size <= maxNames) break
      seen.delete(oldest)
    }
  }
  lines.forEach(learn)
  let size = lines.length
  const rewrite = async (): Promise<void> => {
    const kept = [...seen, ...[...last].map(([repository, name]) => `last ${repository} ${name}`)]
    await writeLines(`${path}.tmp`, 'w', kept)
    await rename(`${path}.tmp`, path)
    await syncDirectory(dirname(path))
    size = kept.length
  }
  if (size > 2 * maxNames || !text.endsWith('\n')) await rewrite()
  let writing = Promise.resolve()
  const append = async (added: readonly string[]): Promise<void> => {
    size += added.length
    if (size > 2 * maxNames) await rewrite()
    else await writeLines(path, 'a', added)
  }
  const claimed = new Set<string>()
  return {
    claim: (repository, { once, notTwice }) => {
      const held = [...once, ...(notTwice === undefined ? [] : [`${repository} ${notTwice}`])]
      const isTaken =
        held.some((name) => claimed.has(name)) ||
        once.some((name) => seen.has(name)) ||
        (notTwice !== undefined && last.get(repository) === notTwice)
      if (isTaken) return undefined
      held.forEach((name) => claimed.add(name))
      const giveBack = (): void => held.forEach((name) => claimed.delete(name))
      return {
        giveBack,
        keep: async () => {
          const added = [...once, ...(notTwice === undefined ? [] : [`last ${repository} ${notTwice}`])]
          added.forEach(learn)
          giveBack()
          writing = writing.catch(() => undefined).then(() => append(added))
          await writing
        },
      }
    },
  }
}

function isLine(line: string): boolean {
  return /^(?:last \S+ )?(?:id|body) [0-9a-f]{64}$/.test(line)
}

async function writeLines(path: string, flag: 'a' | 'w', lines: readonly string[]): Promise<void> {
  const handle = await open(path, flag, 0o600)
  try {
    await handle.appendFile(lines.map((line) => `${line}\n`).join(''))
    await handle.datasync()
  } finally {
    await handle.close()
  }
}
