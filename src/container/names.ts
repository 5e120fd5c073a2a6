/** Names for containers that nobody has named; pure. */

const adjectives =
  'amber bold brisk calm clear deft eager fair fleet gentle glad hardy keen kind lively lucid merry neat noble placid quick quiet rapid sharp steady sunny swift tidy vivid warm'.split(
    ' ',
  )
const boats =
  'barge bark brig canoe clipper coble cutter dhow dinghy dory felucca ferry frigate galley gondola junk kayak ketch lugger pinnace punt raft sampan schooner skiff sloop tender trawler tug yawl'.split(
    ' ',
  )

/**
 * Two words, such as `calm_ketch`, and a number if that is taken.
 * @param random gives numbers from 0 to 1
 */
export function freeName(taken: ReadonlySet<string>, random: () => number): string {
  const pick = (words: readonly string[]): string => words[Math.floor(random() * words.length)] ?? ''
  const name = `${pick(adjectives)}_${pick(boats)}`
  return numbered(name, taken, '')
}

/** As buildah calls what `from` makes: `debian-working-container`. */
export function workingName(repository: string, taken: ReadonlySet<string>): string {
  const last = repository.slice(repository.lastIndexOf('/') + 1).replace(/[^a-zA-Z0-9_.-]/g, '-')
  return numbered(`${last || 'scratch'}-working-container`, taken, '-')
}

function numbered(name: string, taken: ReadonlySet<string>, before: string): string {
  for (let n = 0; ; n++) {
    const tried = n === 0 ? name : `${name}${before}${n}`
    if (!taken.has(tried)) return tried
  }
}
