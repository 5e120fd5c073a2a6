/** `wherry base host`: an image from the machine's own programs, made without registry, package manager or rights. */
import { rm, writeFile } from 'node:fs/promises'
import { type BytePath, fromText, toText } from '../core/bytepath.ts'
import { type Scope, throwIfCancelled } from '../core/scope.ts'
import { hostPlatform } from '../oci/platform.ts'
import type { Store } from '../store/contract.ts'
import { type BaseImage, type SealItems, storeBaseImage } from './base-image.ts'
import type { HostItem } from './collect.ts'
import { hostTree, madeFilesText } from './host-tree.ts'
import { installedPackages } from './installed/installed.ts'

/** What is asked for. */
export interface HostBaseSpec {
  /** Programs and packages; none means a static busybox, else the usual utilities. */
  readonly names: readonly string[]
  /** Full references for the image. */
  readonly tags: readonly string[]
  /** Seconds since 1970, for everything that has no time of its own; 0 if undefined, so that the image is the same tomorrow. */
  readonly sourceDateEpoch?: number
  /** The system to take from; default '/'. */
  readonly root?: string
}

/**
 * Collects, seals and stores the image; the same machine gives the same image. Nothing of the machine is run but rpm, where that
 * knows the packages.
 * @throws WherryError `usage` for an unknown name, `io` for a file that is missing or may not be read, `cancelled`
 */
export async function makeHostBase(
  spec: HostBaseSpec,
  deps: { readonly store: Store; readonly seal: SealItems },
  scope: Scope,
): Promise<BaseImage> {
  const { names, tags, root = '/', sourceDateEpoch: seconds = 0 } = spec
  const made = deps.store.tempPath('base-files')
  try {
    await writeFile(made, madeFilesText())
    const unreadable: BytePath[] = []
    const items = hostTree({
      root,
      names,
      time: BigInt(seconds) * 1_000_000_000n,
      madeFilesAt: fromText(made),
      packages: names.length === 0 ? undefined : await installedPackages(root, scope.signal),
      onUnreadable: (path) => unreadable.push(path),
    })
    warnOf(unreadable, scope)
    throwIfCancelled(scope)
    const image = {
      tags,
      platform: hostPlatform(),
      created: new Date(seconds * 1000),
      command: ['wherry base host', ...names].join(' '),
      shell: hasShell(items) ? 'sh' : undefined,
      fidelity: 'exact' as const,
    }
    return await storeBaseImage(items, image, { deps, scope })
  } finally {
    await rm(made, { force: true })
  }
}

/** A warning for files of packages that only root may read; none if there are none. */
export function warnOf(unreadable: readonly BytePath[], scope: Scope): void {
  if (unreadable.length === 0) return
  const shown = unreadable.slice(0, 5).map(toText).join(', ')
  const more = unreadable.length > 5 ? ` and ${unreadable.length - 5} more` : ''
  scope.emit({ type: 'warning', message: `left out, since this user may not read them: ${shown}${more}` })
}

function hasShell(items: readonly HostItem[]): boolean {
  return items.some((item) => item.entry.path === 'bin/sh' || item.entry.path === 'usr/bin/sh')
}
