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

/**
 * Listens for the rest of the process's life. A process that was started by another Node with a channel between them is interrupted
 * too when that one ends, however it ends.
 */
export function listenForInterruption(): Interruption {
  const controller = new AbortController()
  let code: number | undefined
  if (process.channel !== undefined) {
    process.once('disconnect', () => {
      code ??= exitCodes.SIGTERM
      controller.abort(new WherryError('cancelled', 'cancelled: the process that started this one has ended'))
    })
    // Nobody reads what would still be said.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  }
  for (const [name, number] of Object.entries(exitCodes)) {
    process.on(name, () => {
      if (code !== undefined) process.exit(number)
      code = number
      controller.abort(new WherryError('cancelled', `cancelled by ${name}`))
    })
  }
  return { signal: controller.signal, exitCode: () => code }
}
