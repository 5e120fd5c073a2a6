/** The unit tables of the conformance suite, where there is one (WHERRY_CONFORMANCE names its folder). */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.env['WHERRY_CONFORMANCE']

/** True if the tables are there. */
export const hasTables = folder !== undefined && folder !== ''

/** Why the tests on tables are skipped, for their titles. */
export const without = hasTables ? '' : ' (skipped: WHERRY_CONFORMANCE is not set)'

function pathOf(name: string): string {
  return join(folder ?? '', 'dev', name)
}

/** A table's rows; empty without the suite. The caller says what is in it. */
export function table<T>(name: string, empty: T): T {
  return hasTables ? (JSON.parse(readFileSync(pathOf(name), 'utf8')) as T) : empty
}

/** A file of the suite as text. */
export function tableText(name: string): string {
  return readFileSync(pathOf(name), 'utf8')
}

/** Names in a folder of the suite, sorted; empty without the suite. */
export function tableNames(name: string): string[] {
  return hasTables ? readdirSync(pathOf(name)).sort() : []
}
