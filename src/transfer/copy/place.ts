/** Where `copy` reads and writes, as skopeo names it: `docker://NAME`, `oci:FOLDER[:REF]`, `docker-archive:FILE[:NAME]`; pure. */
import { resolve } from 'node:path'
import { WherryError } from '../../core/errors.ts'
import { type Reference, formatReference, parseReference } from '../../oci/reference.ts'

/** A place for one image. */
export type Place =
  | { readonly kind: 'registry'; readonly reference: Reference }
  /** `name` is a name, an id or a digest. */
  | { readonly kind: 'store'; readonly name: string }
  | { readonly kind: 'folder'; readonly path: string; readonly selector?: string }
  | { readonly kind: 'archive'; readonly form: 'docker' | 'oci'; readonly path: string; readonly selector?: string }

const hint =
  'Places are docker://NAME (a registry), store:NAME (the local store), oci:FOLDER[:REF], oci-archive:FILE[:REF] and docker-archive:FILE[:NAME].'

/** Transports of skopeo that lead nowhere here. */
const foreign: Readonly<Record<string, string>> = {
  'containers-storage': 'the storage of podman and buildah is not read; the local store is store:NAME',
  'docker-daemon': 'no daemon is spoken to; `docker save | wherry load` takes an image over',
  dir: 'folders in the form of skopeo are not read; oci:FOLDER is',
  ostree: 'ostree repositories are not read',
  sif: 'SIF files are not read',
}

/** Reads a place; paths count from `cwd`. @throws WherryError `usage`, `reference-invalid` */
export function parsePlace(text: string, cwd: string): Place {
  const colon = text.indexOf(':')
  const [transport, rest] = colon < 0 ? ['', text] : [text.slice(0, colon), text.slice(colon + 1)]
  if (transport === 'docker' && rest.startsWith('//') && rest.length > 2) {
    return { kind: 'registry', reference: parseReference(rest.slice(2)) }
  }
  if (rest === '') throw misuse(text, 'it names nothing')
  switch (transport) {
    case 'store':
      return { kind: 'store', name: rest }
    case 'oci':
      return { kind: 'folder', ...pathAndSelector(rest, cwd) }
    case 'oci-archive':
    case 'docker-archive':
      return { kind: 'archive', form: transport === 'oci-archive' ? 'oci' : 'docker', ...pathAndSelector(rest, cwd) }
    default:
      throw misuse(text, foreign[transport] ?? 'it does not say where that is')
  }
}

function misuse(text: string, why: string): WherryError {
  return new WherryError('usage', `"${text}" is no place to copy from or to: ${why}`, { hint })
}

/** As in skopeo the path ends at the first colon; `@sha256:…` chooses by digest. */
function pathAndSelector(text: string, cwd: string): { path: string; selector?: string } {
  const byDigest = /^(.+)@(sha256:[0-9a-f]{64})$/s.exec(text)
  if (byDigest) return { path: resolve(cwd, byDigest[1]!), selector: byDigest[2]! }
  const colon = text.indexOf(':')
  if (colon < 0) return { path: resolve(cwd, text) }
  const selector = text.slice(colon + 1)
  return { path: resolve(cwd, text.slice(0, colon)), ...(selector === '' ? {} : { selector }) }
}

/** The place in words, for progress and messages. */
export function placeText(place: Place): string {
  switch (place.kind) {
    case 'registry':
      return formatReference(place.reference)
    case 'store':
      return `${place.name} of the store`
    case 'folder':
    case 'archive':
      return place.path
  }
}
