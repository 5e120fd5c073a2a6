/** Images of the store that came from elsewhere as they are, and leave it that way. */
import type { StoredImage } from '../store/contract.ts'

/** True if the manifest must not become another one: it was loaded with it, or a registry has it. */
export function hasOwnManifest({
  manifest,
  repoDigests,
  isExact,
}: Pick<StoredImage, 'manifest' | 'repoDigests' | 'isExact'>): boolean {
  return isExact === true || repoDigests.some((digest) => digest.endsWith(`@${manifest.digest}`))
}
