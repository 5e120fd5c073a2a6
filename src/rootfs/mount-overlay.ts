/** Mounting an overlay: Documentation/filesystems/overlayfs.rst. */
import { closeSync, mkdirSync, openSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { WherryError, errnoOf } from '../core/errors.ts'
import { type MountParameter, mount, mountNew } from '../host/mounts.ts'

/** What to mount. All paths are absolute. */
export interface OverlayMount {
  /** Layers, the topmost first; at least one, and two if there is no `upper`. */
  readonly lowers: readonly string[]
  /** Where writes go, and an empty folder on the same file system. Without it the mount is read-only. */
  readonly upper?: { readonly dir: string; readonly work: string }
  readonly target: string
  /** A folder for short names of the layers, made on kernels that need them. */
  readonly scratch: string
}

/** The kernel's limit (OVL_MAX_STACK). */
const maxLowers = 500

/**
 * Mounts. Always with `userxattr`: in a user namespace overlayfs could not use `trusted.*`, and trees must be the same everywhere.
 * @throws WherryError `host-unsupported` with the kernel's reason
 */
export function mountOverlay(request: OverlayMount): void {
  if (request.lowers.length > maxLowers)
    throw new WherryError(
      'host-unsupported',
      `an image of ${request.lowers.length} layers: overlayfs takes ${maxLowers}`,
    )
  try {
    try {
      mountWithParameters(request)
    } catch (error) {
      // Before Linux 6.5 there is no `lowerdir+`, before 5.2 no fsopen.
      if (errnoOf(error) !== 'EINVAL' && errnoOf(error) !== 'ENOSYS') throw error
      mountWithOptions(request)
    }
  } catch (error) {
    if (error instanceof WherryError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new WherryError('host-unsupported', `the kernel refuses an overlay mount: ${reason}`, {
      hint: 'Put the store on a local file system such as ext4 or xfs (--root), or see `wherry doctor`.',
      cause: error,
    })
  }
}

function mountWithParameters({ lowers, upper, target }: OverlayMount): void {
  const parameters: MountParameter[] = lowers.map((dir) => ['lowerdir+', dir])
  if (upper !== undefined) {
    parameters.push(['upperdir', escaped(upper.dir)], ['workdir', escaped(upper.work)], ['volatile'])
  }
  mountNew('overlay', [...parameters, ['userxattr']], target)
}

/** Overlayfs takes a backslash in these two for an escape, in `lowerdir+` not. */
function escaped(path: string): string {
  return path.replaceAll('\\', '\\\\')
}

/** With mount(2), whose options must fit a page: each layer gets a short name below a descriptor of `scratch`. */
export function mountWithOptions({ lowers, upper, target, scratch }: OverlayMount): void {
  mkdirSync(scratch, { recursive: true })
  const paths = upper === undefined ? lowers : [...lowers, upper.dir, upper.work]
  paths.forEach((path, i) => symlinkSync(path, join(scratch, i.toString(36))))
  const fd = openSync(scratch, 'r')
  try {
    const short = paths.map((_, i) => `/proc/self/fd/${fd}/${i.toString(36)}`)
    const options = [`lowerdir=${short.slice(0, lowers.length).join(':')}`, 'userxattr']
    if (upper !== undefined) options.push(`upperdir=${short.at(-2)!}`, `workdir=${short.at(-1)!}`, 'volatile')
    mount({ source: 'overlay', target, type: 'overlay', data: options.join(',') })
  } finally {
    closeSync(fd)
  }
}
