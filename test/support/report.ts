/** The lines in which a script in a namespace reports to the test outside. */

/** One line: a name and, if it failed, why. */
export function reportLine(name: string, failure: unknown): string {
  return `${JSON.stringify([name, failure === undefined ? null : textOf(failure)])}\n`
}

function textOf(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure)
  const text = failure.stack ?? failure.message
  return failure.cause === undefined ? text : `${text}\nCause: ${textOf(failure.cause)}`
}
