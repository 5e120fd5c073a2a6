/** The documentation says what the program does. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { errorCodes } from '../../src/core/errors.ts'

const root = join(import.meta.dirname, '../..')

it('docs/errors.md has one line on every error code, in their order', () => {
  const text = readFileSync(join(root, 'docs/errors.md'), 'utf8')
  const documented = [...text.matchAll(/^\| `([a-z-]+)` \| \S.*\|$/gm)].map((match) => match[1])
  expect(documented).toEqual([...errorCodes])
})
