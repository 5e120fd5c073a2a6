/** The quiet renderer: warnings alone, and none of the build checks; results are printed by the command. */
import { warningText } from './error.ts'
import type { Renderer, Surface } from './renderer.ts'

/** Renders warnings and nothing else; what the checks find is not shown, as in docker. */
export function quietRenderer(surface: Pick<Surface, 'write'>): Renderer {
  return {
    event: (event) => {
      if (event.type === 'warning' && event.rule === undefined) surface.write(`${warningText(event)}\n`)
    },
    close: () => undefined,
  }
}
