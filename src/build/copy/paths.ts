/** Parts of relative byte paths, '' being the root. */
import type { BytePath } from '../../core/bytepath.ts'

/** A name in a folder; an empty name is the folder itself. */
export function join(folder: BytePath, name: BytePath): BytePath {
  return folder === '' ? name : name === '' ? folder : `${folder}/${name}`
}

/** The folder that holds a path. */
export function parentOf(path: BytePath): BytePath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** The last name of a path. */
export function lastPart(path: BytePath): BytePath {
  return path.slice(path.lastIndexOf('/') + 1)
}
