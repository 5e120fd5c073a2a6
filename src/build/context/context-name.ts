/** Names of contexts, as FROM and --build-context write them, made comparable. */
import { familiarReference, parseReference } from '../../oci/reference.ts'

/** The name by which a context is known: that of an image in its short form, without `:latest`. */
export function contextName(name: string): string {
  try {
    return familiarReference(parseReference(name)).replace(/:latest$/, '')
  } catch {
    // Names of stages need not be names of images.
    return name.toLowerCase()
  }
}
