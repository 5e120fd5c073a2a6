/** The report as JSON, for programs. */
import type { BytePath } from '../core/bytepath.ts'
import type { JsonObject } from '../core/json.ts'
import { toBytes, toText } from '../core/bytepath.ts'
import { type Change, type LayerReport, type Report, type Waste, reportVersion } from './contract.ts'
import { modeText } from './page-layers.ts'

/** The report as one JSON document with a line end. */
export function jsonReport({ title, image, build }: Report): string {
  const shown = {
    version: reportVersion,
    title,
    ...(image && { image: { ...image, layers: image.layers.map(layerJson), waste: image.waste.map(wasteJson) } }),
    ...(build && { build }),
  }
  return `${JSON.stringify(shown, null, 1)}\n`
}

/** A name for people, and its bytes where those are not UTF-8. */
function pathJson(path: BytePath): JsonObject {
  const text = toText(path)
  return text.includes('\ufffd') ? { path: text, pathBase64: toBytes(path).toString('base64') } : { path: text }
}

function layerJson({ changes, ...layer }: LayerReport): object {
  return { ...layer, files: changes.map(changeJson) }
}

function changeJson(change: Change): JsonObject {
  const { path, mark, type, mode, uid, gid, size, link, sameBytes } = change
  return {
    ...pathJson(path),
    mark,
    type,
    mode: modeText({ type, mode }),
    uid,
    gid,
    size,
    ...(link !== undefined && { link: toText(link) }),
    ...(sameBytes === true && { sameBytes }),
  }
}

function wasteJson({ path, ...waste }: Waste): JsonObject {
  return { ...pathJson(path), ...waste }
}
