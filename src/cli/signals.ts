/** Ctrl-C and its kin: the first one asks the work to end, the second one ends the process. */
import { WherryError } from '../core/errors.ts'

/** Exit code of a process that a signal ended, as a shell reports it. */
const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

/** A signal that fires at the first of SIGINT, SIGTERM and SIGHUP. */
export interface Interruption {
  readonly signal: AbortSignal
  /** The exit code to leave with after an interruption, else undefined. */
  exitCode(): number | undefined
}

/** Listens for the rest of the process's life. */
export function listenForInterruption(): Interruption {
  const controller = new AbortController()
  let code: number | undefined
  for (const [name, number] of Object.entries(exitCodes)) {
    process.on(name, () => {
      if (code !== undefined) process.exit(number)
      code = number
      controller.abort(new WherryError('cancelled', `cancelled by ${name}`))
    })
  }
  return { signal: controller.signal, exitCode: () => code }
}
