/** Repositories that only automatic builds change: who holds their token may push there, and nobody else, whatever else holds. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { type Access, type Need, unauthorized } from './access.ts'

/** The name under which automatic builds come; the token is their password. */
export const autobuildUser = 'autobuild'

/** What is reserved. */
export interface Reservation {
  /** Names of repositories. */
  readonly repositories: readonly string[]
  readonly token: string
}

/** Lets requests in as `base` does, save those that change a reserved repository. */
export function reservedAccess(base: Access, { repositories, token }: Reservation): Access {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  const expected = digest(`${autobuildUser}:${token}`)
  const isReserved = (need: Need): boolean => need.type === 'repository' && repositories.includes(need.name)
  const isOurs = (header: string | undefined): boolean => {
    const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1] ?? ''
    return timingSafeEqual(digest(Buffer.from(encoded, 'base64').toString('utf8')), expected)
  }
  return {
    authorize: async (header, need) => {
      if (isOurs(header) && (need === undefined || isReserved(need))) {
        return { user: autobuildUser, mayPull: (name) => repositories.includes(name) }
      }
      if (need !== undefined && isReserved(need) && need.actions.some((action) => action !== 'pull')) {
        throw unauthorized('Basic realm="wherry"', 'only automatic builds push to this repository')
      }
      return base.authorize(header, need)
    },
  }
}
