/** The lines in which a script in a namespace reports to the test outside. */

/** One line: a name and, if it failed, why. */
export function reportLine(name: string, failure: unknown): string {
  const text = failure instanceof Error ? (failure.stack ?? failure.message) : failure
  return `${JSON.stringify([name, text ?? null])}\n`
}
