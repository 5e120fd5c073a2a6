/** The machine's busybox, for tests that need a root file system with nothing but one program. */
import { existsSync, readFileSync } from 'node:fs'
import { missingTools } from './need.ts'

/** The machine's busybox. */
export const busybox = '/bin/busybox'

/** Why there is no statically linked busybox to make an image of, or undefined. */
export function noStaticBusybox(): string | undefined {
  if (!existsSync(busybox)) return `${busybox} is not installed`
  const interpreter = Buffer.from('/lib64/ld-linux')
  return readFileSync(busybox).includes(interpreter) ? `${busybox} is not static` : missingTools('tar')
}
