/** STOPSIGNAL: the signals that docker takes, by name or number (signal(7), on Linux). */
import { type SourceRange, WherryError } from '../core/errors.ts'
import { nearest } from './suggest.ts'

const realtime = Array.from({ length: 31 }, (_, i) => (i < 16 ? `RTMIN+${i}` : `RTMAX-${30 - i}`))

const names: readonly string[] = [
  ...'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM'.split(
    ' ',
  ),
  ...'TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX'.split(' '),
  ...realtime.filter((name) => !name.endsWith('+0') && !name.endsWith('-0')),
]

/**
 * Checks an expanded STOPSIGNAL: a number but 0, or a name with or without SIG.
 * @throws WherryError `dockerfile-invalid`
 */
export function checkStopSignal(signal: string, at?: SourceRange): void {
  if (/^[+-]?\d+$/.test(signal) && Number(signal) !== 0) return
  const name = signal.toUpperCase().replace(/^SIG/, '')
  if (names.includes(name)) return
  const near = nearest(name, names)
  const hint = near === undefined ? 'Write a number or a name such as SIGTERM.' : `Did you mean SIG${near}?`
  throw new WherryError('dockerfile-invalid', `invalid signal: ${signal}`, { hint, at })
}
