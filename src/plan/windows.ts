/** Paths of images for Windows: written with a drive and backslashes, meant below the one root that a layer has. */
import { WherryError } from '../core/errors.ts'
import type { Platform } from '../oci/platform.ts'

/** True if paths and defaults are those of Windows. */
export function isWindows(platform: Platform): boolean {
  return platform.os === 'windows'
}

/**
 * A path as layers have it: slashes, no drive. Only the system's drive has a root file system.
 * @throws WherryError `dockerfile-invalid`
 */
export function slashPath(path: string): string {
  const slashed = path.replaceAll('\\', '/')
  if (slashed.startsWith('//')) throw new WherryError('dockerfile-invalid', `"${path}": UNC paths are not supported`)
  const drive = /^([^/:]*):(.*)$/s.exec(slashed)
  if (drive === null) return slashed
  const [, letter = '', rest = ''] = drive
  if (letter.toLowerCase() === 'c' && rest !== '') return rest
  throw new WherryError('dockerfile-invalid', `"${path}" is not a path on the system drive (C:)`)
}

/** A path as configs for Windows have it. */
export function backslashPath(path: string): string {
  return path.replaceAll('/', '\\')
}
