/** JSON from outside, checked before use. */
import { WherryError } from './errors.ts'

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** A JSON object; fields that were not there are undefined. */
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

/**
 * Parses text that must be a JSON object; `subject` names it in the error.
 * @throws WherryError `json-invalid`
 */
export function parseJsonObject(text: string, subject: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new WherryError('json-invalid', `${subject} is not valid JSON`, { cause })
  }
  if (isJsonObject(value)) return value
  throw new WherryError('json-invalid', `${subject} is not a JSON object`)
}

/** True for a JSON object, false for arrays, null and scalars. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The strings of an array field; other values count as absent. */
export function stringArray(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((v) => typeof v === 'string') ? value : undefined
}

/** The string values of an object field; other values are left out. */
export function stringRecord(value: unknown): Record<string, string> {
  if (!isJsonObject(value)) return {}
  // Made of entries, so that `__proto__` is a key like any other.
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

/**
 * Deterministic JSON: keys sorted at every depth, no white space. For cache keys and golden files.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) => {
    if (typeof v === 'bigint') return v.toString()
    if (!isJsonObject(v)) return v
    return Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
  })
}
