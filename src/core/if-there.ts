/** Looking at files that another process may have removed a moment ago. */
import { errnoOf } from './errors.ts'

/** What `act` returns, or undefined if it fails because something does not exist (ENOENT). @throws what else `act` throws */
export function ifThere<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** As `ifThere`, of what a promise brings. */
export async function ifStillThere<T>(act: Promise<T>): Promise<T | undefined> {
  try {
    return await act
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
