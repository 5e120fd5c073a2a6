/** The list of error codes and its documentation are the same. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { errorCodes } from '../../src/core/errors.ts'

test('docs/errors.md explains every code, in order, and no other', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8')
  const explained = [...text.matchAll(/^\| `([a-z-]+)` \| \S/gm)].map((match) => match[1])
  expect(explained).toEqual([...errorCodes])
})
