/** The way to a shell, as it is told where none can be opened. */
import { expect, it } from 'vitest'
import { repeatable, withWayToShell } from '../../src/cli/on-error.ts'
import { WherryError } from '../../src/core/errors.ts'

it('repeats the command line without values that may be secret, and without what forbids a shell', () => {
  const argv = [
    'build',
    '-q',
    '--progress=json',
    '--progress',
    'quiet',
    '--build-arg',
    'A=s',
    '--build-arg=B=s',
    "it's",
  ]
  expect(repeatable([...argv, '--on-error', 'shell'])).toBe(
    "wherry build --build-arg A --build-arg=B 'it'\\''s' --on-error shell",
  )
})

it('is told of failed runs alone, behind their own hint', () => {
  const failed = withWayToShell(new WherryError('run-failed', 'm', { hint: 'Look.', details: { exitCode: 3 } }), [
    'build',
  ])
  expect(failed).toMatchObject({ code: 'run-failed', message: 'm', details: { exitCode: 3 } })
  expect(failed.hint).toMatch(/^Look\. .*wherry build$/)
  expect(withWayToShell(new WherryError('io', 'm'), ['build']).hint).toBeUndefined()
})
