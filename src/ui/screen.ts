/** The lower part of a terminal as a region that is redrawn in place, with lines that scroll away above it. */
import type { Surface } from './renderer.ts'
import { displayWidth, fitWidth } from './text.ts'

/** A live region. */
export interface Screen {
  /** Shows these lines in the region, unless they stand there already. */
  draw(lines: readonly string[]): void
  /** Puts lines above the region for good; long ones wrap. They appear with the next `draw` or at `close`, after it at once. */
  log(lines: readonly string[]): void
  /** Clears the region, writes what is left to log, shows the cursor. Idempotent. */
  close(): void
}

const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'
/** Terminals that know these show all that is between them at once; others ignore them. */
const beginUpdate = '\u001b[?2026h'
const endUpdate = '\u001b[?2026l'
const eraseBelow = '\u001b[J'
const eraseLine = '\u001b[K'

/** A region at the bottom of the surface; the cursor is hidden until `close`. */
export function makeScreen(surface: Surface): Screen {
  let shown: readonly string[] = []
  let pending: string[] = []
  let closed = false
  surface.write(hideCursor)

  const home = (): string => (shown.length === 0 ? '\r' : `\r\u001b[${shown.length}A`)
  const paint = (lines: readonly string[]): void => {
    const above = pending.length === 0 ? '' : `${eraseBelow}${pending.map((line) => `${line}\n`).join('')}`
    const region = lines.map((line) => `${line}${eraseLine}\n`).join('')
    surface.write(`${beginUpdate}${home()}${above}${region}${eraseBelow}${endUpdate}`)
    pending = []
    shown = lines
  }
  return {
    draw(lines) {
      if (closed) return
      const fitting = lines.slice(0, Math.max(1, surface.rows() - 1)).map((line) => cut(line, surface.columns()))
      if (pending.length === 0 && fitting.length === shown.length && fitting.every((line, i) => line === shown[i]))
        return
      paint(fitting)
    },
    log(lines) {
      if (closed) surface.write(lines.map((line) => `${line}\n`).join(''))
      else pending.push(...lines)
    },
    close() {
      if (closed) return
      closed = true
      paint([])
      surface.write(showCursor)
    },
  }
}

const sgr = /\u001b\[\d+m/g

/** Cuts a styled line to the width; a line that must be cut loses its styles, since they cannot be cut in two. */
function cut(line: string, columns: number): string {
  const bare = line.replace(sgr, '')
  return displayWidth(bare) <= columns ? line : fitWidth(bare, columns)
}
