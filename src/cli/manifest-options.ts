/** What the commands on manifest lists share. */
import { WherryError } from '../core/errors.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import type { ManifestDraft, Store } from '../store/contract.ts'
import type { OptionTable, OptionValues } from './command.ts'
import { type RegistryOptionValues, registryOptions } from './registry-options.ts'

/** docker's `--insecure` is `--tls-verify=false`. */
export const manifestOptions = {
  insecure: { kind: 'boolean', help: 'Allow plain http and unknown certificates' },
  ...registryOptions,
} as const satisfies OptionTable

/** The options of the registry client. */
export function registryValues<T extends OptionValues<typeof manifestOptions>>(options: T): T & RegistryOptionValues {
  return options.insecure ? { ...options, 'tls-verify': false } : options
}

/** The name of a list in full. @throws WherryError `usage` for a digest */
export function listName(text: string): string {
  const reference = parseReference(text)
  if (reference.digest === undefined) return formatReference(reference)
  throw new WherryError('usage', `"${text}" is a digest, which a manifest list cannot be called`)
}

/** The draft of this name. @throws WherryError `image-not-found` */
export async function draftNamed(text: string, store: Pick<Store, 'drafts'>): Promise<ManifestDraft> {
  const draft = await store.drafts.get(listName(text))
  if (draft !== undefined) return draft
  throw new WherryError('image-not-found', `No such manifest: ${text}`, {
    hint: 'Lists are made with `wherry manifest create`; those in registries are shown by `wherry manifest inspect`.',
  })
}
