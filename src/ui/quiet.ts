/** The quiet renderer: warnings alone; results are printed by the command. */
import { warningText } from './error.ts'
import type { Renderer, Surface } from './renderer.ts'

/** Renders warnings and nothing else. */
export function quietRenderer(surface: Pick<Surface, 'write'>): Renderer {
  return {
    event: (event) => {
      if (event.type === 'warning') surface.write(`${warningText(event)}\n`)
    },
    close: () => undefined,
  }
}
