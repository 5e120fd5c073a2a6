/** Command lines of a page of the documentation. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Lines of its fenced `sh` blocks. */
export function docsLines(file: string): string[] {
  const text = readFileSync(join(import.meta.dirname, '../..', file), 'utf8')
  return [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, body = '']) => body.trim().split('\n'))
}

/** Those lines as words, quotes taken off and `npx wherry` dropped. */
export function docsCommands(file: string): string[][] {
  return docsLines(file).map((line) =>
    [...line.replace(/^npx wherry /, '').matchAll(/'([^']*)'|(\S+)/g)].map(
      ([, quoted, plain]) => quoted ?? plain ?? '',
    ),
  )
}
