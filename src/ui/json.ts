/** The JSON renderer: each event as one line of JSON, for programs. The first event carries the format's version. */
import type { Renderer, Surface } from './renderer.ts'

/** Renders events as JSON lines, unchanged. */
export function jsonRenderer(surface: Pick<Surface, 'write'>): Renderer {
  return { event: (event) => surface.write(`${JSON.stringify(event)}\n`), close: () => undefined }
}
