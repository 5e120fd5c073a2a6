/** A surface that records what is written, and a small terminal that shows it. */
import type { Surface } from '../../src/ui/renderer.ts'

/** A surface with a clock that tests move. */
export interface Recording extends Surface {
  /** All that was written. */
  text(): string
  /** What a terminal would show, including what scrolled away. */
  screen(): string
  advance(ms: number): void
}

/** A recording surface; 80x24 if it is a terminal. */
export function recordingSurface(options: { terminal?: boolean; color?: boolean; columns?: number } = {}): Recording {
  let written = ''
  let clock = 0
  return {
    write: (text) => void (written += text),
    isTerminal: options.terminal ?? false,
    color: options.color ?? false,
    columns: () => options.columns ?? 80,
    rows: () => 24,
    now: () => clock,
    text: () => written,
    screen: () => emulate(written),
    advance: (ms) => void (clock += ms),
  }
}

const token = /\u001b\[(\?\d+[hl]|\d*[AKJ]|\d+m)|\r|\n|[^\u001b\r\n]+/g

/** The subset of a terminal that the renderer uses: newline, return, cursor up, erase line and below. */
function emulate(text: string): string {
  const lines: string[] = ['']
  let row = 0
  let column = 0
  for (const [all, code] of text.matchAll(token)) {
    if (all === '\n') {
      row++
      column = 0
      lines[row] ??= ''
    } else if (all === '\r') column = 0
    else if (code?.endsWith('A')) row = Math.max(0, row - Number(code.slice(0, -1) || 1))
    else if (code === 'K') lines[row] = lines[row]!.slice(0, column)
    else if (code === 'J') {
      lines[row] = lines[row]!.slice(0, column)
      lines.length = row + 1
    } else if (code === undefined) {
      lines[row] = lines[row]!.slice(0, column).padEnd(column) + all + lines[row]!.slice(column + all.length)
      column += all.length
    }
  }
  return lines.join('\n')
}
