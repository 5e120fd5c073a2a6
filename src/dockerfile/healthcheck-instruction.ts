/** HEALTHCHECK. Reference: docker/dockerfile:1, "HEALTHCHECK". */
import { parseDuration } from './duration.ts'
import { flagTables } from './flag-tables.ts'
import type { Flags } from './flags.ts'
import type { HealthcheckInstruction } from './instructions.ts'
import { type Request, commandOf, flagsOf, someArguments } from './request.ts'
import { syntaxError } from './syntax-error.ts'

/**
 * Types a HEALTHCHECK.
 * @throws WherryError `dockerfile-syntax`
 */
export function parseHealthcheck(request: Request): HealthcheckInstruction {
  const [type = '', ...args] = someArguments(request)
  const common = { ...request.common, kind: 'HEALTHCHECK' } as const
  switch (type.toUpperCase()) {
    case 'NONE':
      if (args.length > 0) throw syntaxError('HEALTHCHECK NONE takes no arguments')
      return common
    case 'CMD': {
      const flags = flagsOf(request, flagTables.HEALTHCHECK)
      if (args.length === 0) throw syntaxError('Missing command after HEALTHCHECK CMD')
      return {
        ...common,
        test: commandOf(args, request.json),
        interval: interval(flags, 'interval'),
        timeout: interval(flags, 'timeout'),
        startPeriod: interval(flags, 'start-period'),
        startInterval: interval(flags, 'start-interval'),
        retries: retries(flags.string('retries')),
      }
    }
    default:
      throw syntaxError(`Unknown type ${JSON.stringify(type.toUpperCase())} in HEALTHCHECK (try CMD)`)
  }
}

/** Zero counts as not given. */
function interval(flags: Flags, name: string): number | undefined {
  const text = flags.string(name)
  const value = text === undefined ? 0 : parseDuration(text)
  if (value === 0) return undefined
  if (value < 1e6) throw syntaxError(`Interval "${name}" cannot be less than 1ms`)
  return value
}

function retries(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(Math.abs(value) <= 2 ** 31 - 1)) throw syntaxError(`--retries: ${JSON.stringify(text)} is not a number`)
  if (value < 0) throw syntaxError(`--retries cannot be negative (${value})`)
  return value === 0 ? undefined : value
}
