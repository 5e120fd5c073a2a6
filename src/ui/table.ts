/** Tables as docker prints them: columns at least 10 wide, three spaces apart, the last one ragged. */
import { displayWidth } from './text.ts'

/** Lays out rows (the first one is the heading) and ends every line with a newline. Each row has one cell per column. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]?.length ?? 0
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(10, ...rows.map((row) => displayWidth(row[column] ?? '') + 3)),
  )
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === columns - 1 ? cell : cell + ' '.repeat(widths[i]! - displayWidth(cell)))).join('')
  return rows.map((row) => `${line(row)}\n`).join('')
}
