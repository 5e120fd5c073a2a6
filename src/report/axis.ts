/** Times on a line of a thousand parts. */

/** Where a moment stands, from 0 to 1000. */
export function position(at: number, total: number): number {
  return Math.round((10_000 * Math.min(Math.max(0, at), total)) / Math.max(1, total)) / 10
}

/** Moments for marks between 0 and `total`, both in milliseconds: round ones, at most eight. */
export function axisTicks(total: number): number[] {
  const step = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000,
  ]
    .concat([1_800_000, 3_600_000, 7_200_000])
    .find((size) => total / size <= 8)
  if (step === undefined) return []
  return Array.from({ length: Math.max(0, Math.ceil(total / step) - 1) }, (_, i) => (i + 1) * step)
}
