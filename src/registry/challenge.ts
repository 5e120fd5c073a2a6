/** The `WWW-Authenticate` header and token scopes. RFC 9110 section 11.6.1; distribution's token authentication specification. */

/** One challenge; scheme and parameter names are lower case. */
export interface Challenge {
  readonly scheme: string
  readonly parameters: Readonly<Record<string, string>>
}

const piece = /[\s,]*([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]*))?/y

/** All challenges of a header, in order; what cannot be read is left out. */
export function parseChallenges(header: string | undefined): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = []
  const text = header ?? ''
  piece.lastIndex = 0
  for (let match = piece.exec(text); match !== null; match = piece.exec(text)) {
    const [, name = '', value] = match
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: {} })
    else if (challenges.length > 0) challenges.at(-1)!.parameters[name.toLowerCase()] = unquote(value)
  }
  return challenges
}

function unquote(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value
}

/** The challenge to answer: bearer before basic; others (Negotiate) are not spoken here. */
export function pickChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  return (
    challenges.find((c) => c.scheme === 'bearer' && c.parameters['realm'] !== undefined) ??
    challenges.find((c) => c.scheme === 'basic')
  )
}

/** The scope of some actions (`pull`, `pull,push`) on a repository. */
export function repositoryScope(repository: string, actions: string): string {
  return `repository:${repository}:${actions}`
}

/** Unites scopes of the same resource; order is kept, because some registries read only the first. */
export function mergeScopes(scopes: readonly string[]): string[] {
  const byResource = new Map<string, Set<string>>()
  for (const scope of scopes.flatMap((s) => s.split(' ')).filter((s) => s !== '')) {
    const colon = scope.lastIndexOf(':')
    const resource = scope.slice(0, Math.max(colon, 0))
    const actions = byResource.get(resource) ?? new Set()
    for (const action of scope.slice(colon + 1).split(',')) actions.add(action)
    byResource.set(resource, actions)
  }
  return [...byResource].map(([resource, actions]) => `${resource}:${[...actions].join(',')}`)
}
