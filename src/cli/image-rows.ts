/** The rows of `wherry images`: one per name of an image, or one `<none>` for a dangling one; pure. */
import type { Digest } from '../core/digest.ts'
import { familiarRepository, parseReference } from '../oci/reference.ts'
import { goTime, humanSince, humanSize } from '../ui/human.ts'
import type { ImageFacts } from './image-facts.ts'

/** A row with the field names of docker's `--format`. */
export interface ImageRow {
  readonly Containers: string
  readonly CreatedAt: string
  readonly CreatedSince: string
  readonly Digest: string
  readonly ID: string
  readonly Repository: string
  readonly SharedSize: string
  readonly Size: string
  readonly Tag: string
  readonly UniqueSize: string
}

/** The heading of each field. */
export const imageHeadings: Readonly<Record<keyof ImageRow, string>> = {
  Containers: 'CONTAINERS',
  CreatedAt: 'CREATED AT',
  CreatedSince: 'CREATED',
  Digest: 'DIGEST',
  ID: 'IMAGE ID',
  Repository: 'REPOSITORY',
  SharedSize: 'SHARED SIZE',
  Size: 'SIZE',
  Tag: 'TAG',
  UniqueSize: 'UNIQUE SIZE',
}

const none = '<none>'

/** How rows look. */
export interface RowLook {
  readonly noTrunc: boolean
  /** The time that ages are counted to, in milliseconds since 1970. */
  readonly nowMs: number
  /** Layers that other images have too. */
  readonly shared?: ReadonlySet<Digest>
  /** How many containers are made of each image, by its manifest. */
  readonly containers?: ReadonlyMap<Digest, number>
}

/** The rows of one image. */
export function imageRows(facts: ImageFacts, look: RowLook): ImageRow[] {
  const { image } = facts
  const common = commonFields(facts, look)
  const named = image.names.map((name) => {
    const reference = parseReference(name)
    const digest = image.repoDigests.find((d) => d.startsWith(`${reference.registry}/${reference.repository}@`))
    return {
      ...common,
      Repository: familiarRepository(reference),
      Tag: reference.tag ?? none,
      Digest: digest?.split('@')[1] ?? none,
    }
  })
  if (named.length > 0) return named
  const byDigest = image.repoDigests.map((d) => {
    const reference = parseReference(d)
    return { ...common, Repository: familiarRepository(reference), Tag: none, Digest: reference.digest ?? none }
  })
  return byDigest.length > 0 ? byDigest : [{ ...common, Repository: none, Tag: none, Digest: none }]
}

function commonFields(facts: ImageFacts, look: RowLook) {
  const { image, layers, size } = facts
  const common = layers.filter(({ diffId }) => look.shared?.has(diffId)).reduce((sum, layer) => sum + layer.size, 0)
  return {
    Containers: look.containers === undefined ? 'N/A' : String(look.containers.get(image.manifest.digest) ?? 0),
    CreatedAt: goTime(facts.created),
    CreatedSince: humanSince(facts.created, look.nowMs),
    ID: look.noTrunc ? image.id : image.id.slice('sha256:'.length).slice(0, 12),
    SharedSize: look.shared === undefined ? 'N/A' : humanSize(common),
    Size: humanSize(size, 3),
    UniqueSize: look.shared === undefined ? 'N/A' : humanSize(size - common),
  }
}
