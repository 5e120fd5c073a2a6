/** The text that an error points to, read when it is shown. */
import { readFileSync } from 'node:fs'

/** The lines of the file that goes by a shown name; undefined if it is unknown or cannot be read any more. */
export function sourceLines(sources: ReadonlyMap<string, string>, file: string): readonly string[] | undefined {
  const path = sources.get(file)
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8').split(/\r?\n/)
  } catch {
    // The excerpt that the error carries is shown instead.
    return undefined
  }
}
