/** Drafts that outlive their process. */
import { renameSync } from 'node:fs'

/**
 * Moves a finished draft folder to the place where it is kept, if it is to be kept; where it is then.
 * @throws SystemError
 */
export function keep(dir: string, keptAt: string | undefined): string {
  if (keptAt === undefined || dir === keptAt) return dir
  renameSync(dir, keptAt)
  return keptAt
}
