/** What `wherry base debootstrap` is asked for, checked. */
import type { Source } from './sources.ts'
import type { Variant } from './select.ts'

/** Programs that can make the system; `wherry` is our own way. */
export const tools = ['mmdebstrap', 'debootstrap', 'wherry'] as const

/** One of `tools`. */
export type DebianTool = (typeof tools)[number]

/** A system to make. */
export interface DebootstrapSpec {
  readonly suite: string
  /** The suite's own first. */
  readonly sources: readonly Source[]
  /** Debian's name: `amd64`. */
  readonly architecture: string
  readonly variant: Variant
  readonly include: readonly string[]
  /** Overrides the usual keyrings. */
  readonly keyring?: string | undefined
  readonly checkSignatures: boolean
  /** mtime of what no package has, in nanoseconds since 1970. */
  readonly time: bigint
  /** Nothing in the layer is later than this, in nanoseconds since 1970. */
  readonly clampMtime?: bigint | undefined
}
