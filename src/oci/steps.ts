/** The images between a base and what was built on it: one for each entry of the history; pure. */
import { type Digest, digestOf } from '../core/digest.ts'
import { type Json, type JsonObject, canonicalJson } from '../core/json.ts'
import { type ImageConfig, diffIdsOf, historyOf, inlineCacheField, withField } from './config.ts'
import { type Document, type Layer, configDocument, manifestDocument } from './image.ts'

/** What is kept of a build, so that the image of each of its steps can be made when someone asks for it. */
export interface StepTrail {
  /** The finished image: its config's digest. */
  readonly id: Digest
  readonly config: ImageConfig
  readonly layers: readonly Layer[]
  /** How many entries of the history are the base's. */
  readonly from: number
  /** The `config` object after each later entry. */
  readonly runtimes: readonly JsonObject[]
}

/** The image after a step. */
export interface StepImage {
  readonly id: Digest
  readonly image: ImageConfig
  readonly config: Document
  readonly manifest: Document
}

/** A name for each entry of a history with all before it and the layers made by then: equal in two images where one builds on the other. */
export function historyKeys(config: ImageConfig): Digest[] {
  const diffIds = diffIdsOf(config)
  let layer = 0
  let key = ''
  return historyOf(config).map((entry) => {
    const diffId = entry.empty_layer === true ? '' : (diffIds[layer++] ?? '')
    const { created: _created, ...told } = entry
    const made = digestOf(canonicalJson([key, told, diffId]))
    key = made
    return made
  })
}

/** The images of a trail's steps, oldest first, without the last, which is the finished image. */
export function stepImages(trail: StepTrail): StepImage[] {
  return trail.runtimes.slice(0, -1).map((runtime, i) => stepImage(trail, trail.from + i + 1, runtime))
}

function stepImage({ config, layers }: StepTrail, entries: number, runtime: JsonObject): StepImage {
  const history = historyOf(config).slice(0, entries)
  const made = layers.slice(0, history.filter((entry) => entry.empty_layer !== true).length)
  const created = history.at(-1)?.created
  const parts: readonly (readonly ['history' | 'rootfs' | 'created' | typeof inlineCacheField, Json | undefined])[] = [
    ['history', history as unknown as Json],
    ['rootfs', { type: 'layers', diff_ids: made.map((layer) => layer.diffId) }],
    ['created', created ?? config.raw['created']],
    [inlineCacheField, undefined],
  ]
  const bare: ImageConfig = { raw: { ...config.raw, config: runtime } }
  const image = parts.reduce((all, [field, value]) => withField(all, field, value), bare)
  const whole = { config: image, layers: made, annotations: {} }
  const document = configDocument(whole)
  const { digest } = document.descriptor
  return { id: digest, image, config: document, manifest: manifestDocument(whole, { config: document.descriptor }) }
}
