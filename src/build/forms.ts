/** What was built -> what leaves: times rewritten, annotations put where they belong, media types and compression chosen. */
import { WherryError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { type Annotation, annotationsAt } from '../oci/annotations.ts'
import { type Image } from '../oci/image.ts'
import { type Platform, formatPlatform } from '../oci/platform.ts'
import { isIndexWanted } from '../plan/buildkit-args.ts'
import type { Outgoing, OutgoingMember } from '../transfer/portable.ts'
import type { BuildRequest, ImageForm } from './contract.ts'
import type { Session } from './engine.ts'
import { type BasePart, clampConfig, rewriteTimes } from './rewrite.ts'

/** One platform's image as the build made it. */
export interface BuiltImage {
  readonly platform: Platform
  readonly image: Image
  readonly base: BasePart
  /** SOURCE_DATE_EPOCH in force, in seconds. */
  readonly epoch?: number
  /** The `config` object after each entry of the history above the base, for the images of its steps. */
  readonly runtimes?: readonly JsonObject[]
}

/** What a build made: an image for each platform, and whether it leaves as an index. */
export interface Built {
  readonly images: readonly BuiltImage[]
  readonly isIndex: boolean
}

/** A thing that leaves, and the annotations of the descriptor that names it. */
export interface Formed {
  readonly outgoing: Outgoing
  readonly annotations: Readonly<Record<string, string>>
}

/** The form of the store's image if no output says otherwise. */
export function plainFormOf(request: Pick<BuildRequest, 'annotations'>): ImageForm {
  return { packing: { force: false, docker: false }, rewriteTimestamp: false, annotations: request.annotations }
}

/** Gives forms; each is made once. */
export function former(built: Built, session: Session): (form: ImageForm) => Promise<Formed> {
  const made = new Map<string, Promise<Formed>>()
  return (form) => {
    const key = JSON.stringify(form)
    const formed = made.get(key) ?? formOf(built, form, session)
    made.set(key, formed)
    return formed
  }
}

async function formOf(built: Built, form: ImageForm, session: Session): Promise<Formed> {
  const members: OutgoingMember[] = []
  for (const one of built.images) members.push(await memberOf(one, form, session))
  const [first] = members as [OutgoingMember]
  if (!built.isIndex) {
    const { platform: _platform, descriptorAnnotations = {}, ...image } = first
    return { outgoing: image, annotations: descriptorAnnotations }
  }
  const annotations = annotationsAt(form.annotations, 'index')
  const { docker } = form.packing
  return {
    outgoing: { members, annotations, docker },
    annotations: annotationsAt(form.annotations, 'index-descriptor'),
  }
}

async function memberOf(built: BuiltImage, form: ImageForm, session: Session): Promise<OutgoingMember> {
  const { platform, base } = built
  const epoch = form.epoch === undefined ? built.epoch : (form.epoch ?? undefined)
  let { image } = built
  if (epoch !== undefined) {
    if (form.rewriteTimestamp) image = await rewriteTimes(image, { epoch, base, session })
    image = { ...image, config: clampConfig(image.config, epoch, base) }
  } else if (form.rewriteTimestamp) {
    const message = 'rewrite-timestamp has nothing to rewrite to: SOURCE_DATE_EPOCH is not set'
    session.scope.emit({ type: 'warning', message })
  }
  return {
    image: { ...image, annotations: annotationsAt(form.annotations, 'manifest', platform) },
    packing: form.packing,
    baseLayers: base.layers,
    platform,
    descriptorAnnotations: annotationsAt(form.annotations, 'manifest-descriptor', platform),
  }
}

/**
 * Checks what the forms ask for against the platforms, before anything is built.
 * @throws WherryError `usage`
 */
export function checkForms(
  request: Pick<BuildRequest, 'outputs' | 'annotations' | 'buildArgs'>,
  platforms: readonly Platform[],
): void {
  const target = { platforms, isIndex: isIndexWanted(request, platforms.length) }
  checkAnnotations(plainFormOf(request), target)
  for (const output of request.outputs) {
    if (!('form' in output)) continue
    checkAnnotations(output.form, target)
    if (output.type === 'docker' && target.isIndex) {
      throw new WherryError('usage', 'type=docker holds an image for one platform, not for several', {
        hint: 'Use type=oci, or build for one --platform.',
      })
    }
  }
}

interface Target {
  readonly platforms: readonly Platform[]
  readonly isIndex: boolean
}

function checkAnnotations({ annotations, packing }: ImageForm, { platforms, isIndex }: Target): void {
  const names = platforms.map(formatPlatform)
  const refuse = ({ scope, key }: Annotation, why: string): never => {
    throw new WherryError('usage', `the ${scope} annotation ${key} cannot be set: ${why}`)
  }
  for (const annotation of annotations) {
    const { scope, platform } = annotation
    if (platform !== undefined && !names.includes(platform)) refuse(annotation, `nothing is built for ${platform}`)
    if (!isIndex && (scope === 'index' || scope === 'index-descriptor')) {
      refuse(annotation, 'an image for one platform has no index')
    }
    if (packing.docker && scope !== 'manifest') refuse(annotation, "Docker's media types have no place for it")
  }
}
