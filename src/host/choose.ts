/** From facts to a mode: pure. The best mode that is allowed, and why each better one was refused. */
import { WherryError } from '../core/errors.ts'
import {
  capability,
  chrootAdvice,
  hasCapability,
  helperAdvice,
  mappableIds,
  subIdFix,
  userNamespaceAdvice,
} from './advice.ts'
import type { Choice, Facts, IdRange, Isolation, Mode, Refusal, SubIds } from './contract.ts'
import { freeRange, usualCount } from './subids.ts'

/**
 * Chooses among the modes that `requested` allows, the best first. With too few ids for most images, single mode is better
 * than mapped mode: it has them all in appearance.
 */
export function choose(facts: Facts, requested: Isolation): Choice {
  const candidates = requested === 'auto' ? (['mapped', 'single', 'chroot'] as const) : [requested]
  const refused: Refusal[] = []
  for (const kind of candidates) {
    const answer = consider(kind, facts)
    const lack = requested === 'auto' && 'idMap' in answer ? tooFewIds(answer, facts) : undefined
    if ('idMap' in answer && lack === undefined) return { ok: true, mode: answer, refused }
    refused.push(lack ?? (answer as Refusal))
  }
  return { ok: false, refused }
}

/** `nobody` of every image, and the highest id that most have. */
const nobody = 65534

function tooFewIds(mode: Mode, facts: Facts): Refusal | undefined {
  if (mode.kind !== 'mapped') return undefined
  const countOf = (ranges: Mode['uids']): number => ranges.reduce((sum, { count }) => sum + count, 0)
  const count = mode.runIds ?? Math.min(countOf(mode.uids), countOf(mode.gids))
  if (count > nobody) return undefined
  return {
    mode: 'mapped',
    cause: 'few-ids',
    reason: `only ${count} ids can be mapped, and images use up to ${nobody}`,
    ...(mode.writer === 'newuidmap' ? { fix: subIdFix(facts) } : {}),
  }
}

/**
 * The mode of a choice.
 * @throws WherryError `host-unsupported` with every refusal
 */
export function chosenMode(choice: Choice): Mode {
  if (choice.ok) return choice.mode
  const reasons = choice.refused.map(({ mode, reason }) => `${mode}: ${reason}`).join('; ')
  const fixes = [...new Set(choice.refused.flatMap(({ fix }) => (fix === undefined ? [] : [fix])))]
  throw new WherryError('host-unsupported', `this machine does not let wherry run a step: ${reasons}`, {
    hint: fixes.length === 0 ? '`wherry doctor` shows what is missing' : fixes.join('; or '),
    details: { refused: choice.refused },
  })
}

function consider(kind: Refusal['mode'], facts: Facts): Mode | Refusal {
  if (kind === 'chroot') return chrootMode(facts)
  const forbidden = userNamespaceAdvice(facts)
  if (forbidden !== undefined) return { mode: kind, ...forbidden }
  if (facts.uid === 0) return rootMode(kind, facts)
  return kind === 'mapped' ? mappedByHelpers(facts) : singleMode(facts)
}

function mappedByHelpers(facts: Facts): Mode | Refusal {
  const mode = 'mapped'
  const advice = helperAdvice(facts)
  if (advice !== undefined) return { mode, ...advice }
  const { uids, gids } = mappableIds(facts)
  return {
    kind: mode,
    writer: 'newuidmap',
    idMap: mapName(uids, gids, ownName(facts)),
    uids: selfThen(facts.uid, uids),
    gids: selfThen(facts.gid, gids),
    fidelity: 'exact',
  }
}

function selfThen(own: number, ranges: readonly SubIds[]): IdRange[] {
  let inside = 1
  const behind = ranges.map(({ first, count }) => {
    inside += count
    return { inside: inside - count, outside: first, count }
  })
  return [{ inside: 0, outside: own, count: 1 }, ...behind]
}

/** Every id that 0 and those behind it stand for is in the name: under another map the same files have other owners. */
function mapName(uids: readonly SubIds[], gids: readonly SubIds[], own?: string): string {
  const [u, g] = [uids, gids].map((ranges) => ranges.map(({ first, count }) => `${first}-${count}`).join('+'))
  return `mapped-${own === undefined ? '' : `${own}+`}${u}${u === g ? '' : `-${g}`}`
}

function ownName({ uid, gid }: Facts): string {
  return uid === gid ? String(uid) : `${uid}.${gid}`
}

function singleMode(facts: Facts): Mode {
  return {
    kind: 'single',
    writer: 'self',
    idMap: `single-${ownName(facts)}`,
    uids: [{ inside: 0, outside: facts.uid, count: 1 }],
    gids: [{ inside: 0, outside: facts.gid, count: 1 }],
    fidelity: 'emulated',
  }
}

/** As root the outer process writes the maps itself. A RUN never gets the host's uid 0: with it, it could write /proc/sys. */
function rootMode(kind: 'mapped' | 'single', facts: Facts): Mode | Refusal {
  if (!hasCapability(facts.capabilities, capability.setuid) || !hasCapability(facts.capabilities, capability.setgid))
    return {
      mode: kind,
      cause: 'root-capabilities',
      reason: 'root lacks the capabilities CAP_SETUID and CAP_SETGID here',
      fix: 'let the container keep the capabilities SETUID and SETGID',
    }
  const range = isFull(facts.uidMap) && isFull(facts.gidMap) ? rangeForRoot(facts) : undefined
  if (range === undefined) return kind === 'mapped' ? identityMode(facts) : singleIdentityMode(facts)
  const count = kind === 'mapped' ? range.count : 1
  const map = shiftedMap({ first: range.first, count }, facts.uidMap[0]?.count ?? 0)
  return {
    kind,
    writer: 'root',
    idMap: kind === 'mapped' ? mapName([range], [range]) : `single-${range.first}`,
    uids: map,
    gids: map,
    runIds: count,
    fidelity: kind === 'mapped' ? 'exact' : 'emulated',
  }
}

function isFull(map: readonly IdRange[]): boolean {
  return map.length === 1 && map[0]?.inside === 0 && map[0].count >= 0x80000000
}

/** Root's own range if it is the same for uids and gids and large enough, else one that nobody has. */
function rangeForRoot(facts: Facts): SubIds | undefined {
  const own = facts.subuids.find(
    (range) => range.count >= usualCount && facts.subgids.some((g) => g.first === range.first && g.count >= usualCount),
  )
  return own === undefined ? freeRange(facts.takenIds, usualCount) : { first: own.first, count: usualCount }
}

/** The range first, as ids from 0; behind it every other id of the host, so that the inner process can read what root can. */
function shiftedMap(range: SubIds, total: number): IdRange[] {
  const end = range.first + range.count
  return [
    { inside: 0, outside: range.first, count: range.count },
    { inside: range.count, outside: 0, count: range.first },
    { inside: end, outside: end, count: total - end },
  ]
}

function identityMode(facts: Facts): Mode {
  return {
    kind: 'mapped',
    writer: 'identity',
    idMap: identityName('mapped-identity', facts),
    uids: facts.uidMap.map(asItIs),
    gids: facts.gidMap.map(asItIs),
    fidelity: 'exact',
  }
}

function asItIs({ inside, count }: IdRange): IdRange {
  return { inside, outside: inside, count }
}

function chrootMode(facts: Facts): Mode | Refusal {
  const advice = chrootAdvice(facts)
  if (advice !== undefined) return { mode: 'chroot', ...advice }
  return {
    kind: 'chroot',
    writer: 'none',
    idMap: identityName('chroot', facts),
    uids: facts.uidMap.map(asItIs),
    gids: facts.gidMap.map(asItIs),
    fidelity: 'exact',
  }
}

/** Root of a user namespace that is not the host's: its own id is somebody's on the host, but not root's. */
function singleIdentityMode(facts: Facts): Mode | Refusal {
  if (isFull(facts.uidMap)) return { mode: 'single', cause: 'one-id', reason: 'root has no other id to map' }
  const own = [{ inside: 0, outside: 0, count: 1 }]
  const idMap = identityName('single-identity', facts)
  return { kind: 'single', writer: 'identity', idMap, uids: own, gids: own, fidelity: 'emulated' }
}

/** On a shared volume the trees of one container are not for one whose ids are others. */
function identityName(kind: string, { uidMap, gidMap }: Facts): string {
  return [kind, ...[...uidMap, ...gidMap].filter(isShifted).map(rangeName)].join('-')
}

function isShifted({ inside, outside }: IdRange): boolean {
  return inside !== outside
}

function rangeName({ inside, outside, count }: IdRange): string {
  return `${inside}.${outside}.${count}`
}
