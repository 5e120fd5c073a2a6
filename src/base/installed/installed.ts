/** Finds the package manager of a machine. */
import type { InstalledPackages } from './contract.ts'
import { dpkgPackages } from './dpkg.ts'
import { rpmPackages } from './rpm.ts'

/**
 * What is installed below `root`, by dpkg or else by rpm; undefined if neither manages it.
 * @throws WherryError `io`, `cancelled`
 */
export async function installedPackages(root: string, signal: AbortSignal): Promise<InstalledPackages | undefined> {
  return dpkgPackages(root) ?? (await rpmPackages(root, signal))
}
