/** Chooses the renderer of a build. */
import type { Renderer, Surface } from './renderer.ts'

/** The values of `--progress`. */
export const progressModes = ['auto', 'tty', 'plain', 'json', 'classic', 'quiet'] as const
export type ProgressMode = (typeof progressModes)[number]

/** The renderer for a mode: `auto` is `tty` on a terminal, else `plain`; `tty` off a terminal falls back to `plain`. */
export async function pickRenderer(mode: ProgressMode, surface: Surface): Promise<Renderer> {
  switch (mode) {
    case 'json':
      return (await import('./json.ts')).jsonRenderer(surface)
    case 'classic':
      return (await import('./classic.ts')).classicRenderer(surface)
    case 'quiet':
      return (await import('./quiet.ts')).quietRenderer(surface)
    case 'plain':
      return (await import('./plain.ts')).plainRenderer(surface)
    case 'auto':
    case 'tty':
      if (!surface.isTerminal) return (await import('./plain.ts')).plainRenderer(surface)
      return (await import('./tty.ts')).ttyRenderer(surface)
  }
}
