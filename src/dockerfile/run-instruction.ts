/** RUN. Reference: docker/dockerfile:1, "RUN". Mounts and devices are read further where they are executed, after expansion. */
import { hasVariable } from './copy-instruction.ts'
import { csvFields } from './csv.ts'
import { flagTables } from './flag-tables.ts'
import type { RunInstruction } from './instructions.ts'
import { type Request, commandOf, flagsOf } from './request.ts'
import { nearest } from './suggest.ts'
import { syntaxError } from './syntax-error.ts'
import { cut } from './text.ts'

/**
 * Types a RUN.
 * @throws WherryError `dockerfile-syntax`
 */
export function parseRun(request: Request): RunInstruction {
  const flags = flagsOf(request, flagTables.RUN)
  const network = flags.list('network')[0]
  const security = flags.list('security')[0]
  const mounts = flags.list('mount')
  oneOf(network, ['default', 'none', 'host'], (value) => `invalid network mode ${value}`)
  oneOf(security, ['sandbox', 'insecure'], (value) => `security ${value} is not valid`)
  mounts.forEach(checkMountFrom)
  return {
    ...request.common,
    kind: 'RUN',
    command: commandOf(request.args, request.json),
    // With their tabs: a shell that is handed the heredoc removes them itself, and history shows them.
    heredocs: request.node.heredocs.map(({ body, ...start }) => ({ ...start, content: body })),
    network,
    mounts,
    security,
    devices: flags.list('device'),
  }
}

function oneOf(value: string | undefined, allowed: readonly string[], message: (value: string) => string): void {
  if (value === undefined || allowed.includes(value)) return
  const near = nearest(value, allowed)
  const hint = near === undefined ? `It is one of ${allowed.join(', ')}.` : `Did you mean ${near}?`
  throw syntaxError(message(JSON.stringify(value)), hint)
}

/** A mount's `from` names a stage or an image before variables exist. */
function checkMountFrom(mount: string): void {
  for (const field of csvFields(mount)) {
    const [key, value] = cut(field, '=')
    if (key.toLowerCase() === 'from' && value !== undefined && hasVariable(value)) {
      throw syntaxError("'from' doesn't support variable expansion, define alias stage instead")
    }
  }
}
