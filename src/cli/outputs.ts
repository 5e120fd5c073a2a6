/** Values of `--output`: where a build's result goes beside the store; pure. */
import { resolve } from 'node:path'
import type { Output } from '../build/contract.ts'
import { WherryError } from '../core/errors.ts'
import { csvFields } from '../dockerfile/csv.ts'

/** The outputs that all `--output` values ask for together. */
export interface ParsedOutputs {
  readonly outputs: readonly Output[]
  /** `type=registry`, or `type=image,push=true`. */
  readonly push: boolean
}

/** Attributes that each type takes. */
const attributes: Readonly<Record<string, readonly string[]>> = {
  oci: ['dest', 'tar'],
  docker: ['dest'],
  local: ['dest'],
  tar: ['dest'],
  image: ['push'],
  registry: [],
}

/**
 * Reads the values. Paths are resolved against `cwd`.
 * @throws WherryError `usage`
 */
export function parseOutputs(values: readonly string[], cwd: string): ParsedOutputs {
  const parsed = values.map((value) => parseOutput(value, cwd))
  return {
    outputs: parsed.flatMap((p) => (typeof p === 'object' ? [p] : [])),
    push: parsed.includes('push'),
  }
}

function parseOutput(value: string, cwd: string): Output | 'push' | 'none' {
  if (value === '-') return { type: 'tar', dest: '-' }
  if (!value.includes('=')) return { type: 'local', dest: resolve(cwd, value) }
  const fields = readFields(value)
  const type = fields.get('type') ?? ''
  const known = attributes[type]
  if (known === undefined) {
    throw misuse(
      value,
      type === '' ? 'it has no type' : `"${type}" is not a type`,
      `Types: ${Object.keys(attributes).join(', ')}.`,
    )
  }
  const unknown = [...fields.keys()].find((key) => key !== 'type' && !known.includes(key))
  if (unknown !== undefined) {
    throw misuse(
      value,
      `the attribute "${unknown}" is not implemented for type=${type}`,
      `It takes: ${known.join(', ') || 'none'}.`,
    )
  }
  if (type === 'registry') return 'push'
  if (type === 'image') return readBoolean(fields, 'push', value) === true ? 'push' : 'none'
  const dest = fields.get('dest') ?? ''
  if (dest === '') throw misuse(value, 'it has no dest', `Write type=${type},dest=PATH.`)
  const path = dest === '-' ? '-' : resolve(cwd, dest)
  if (type === 'oci') return { type, dest: path, tar: readBoolean(fields, 'tar', value) ?? true }
  return { type: type as 'docker' | 'local' | 'tar', dest: path }
}

function readFields(value: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const field of fieldsOf(value)) {
    const equals = field.indexOf('=')
    if (equals < 1) throw misuse(value, `"${field}" is not KEY=VALUE`)
    fields.set(field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1))
  }
  return fields
}

function fieldsOf(value: string): string[] {
  try {
    return csvFields(value)
  } catch (cause) {
    throw new WherryError('usage', `--output "${value}": a quote is in the wrong place`, { cause })
  }
}

function readBoolean(fields: ReadonlyMap<string, string>, key: string, value: string): boolean | undefined {
  const text = fields.get(key)
  if (text === undefined) return undefined
  if (text === 'true' || text === '1') return true
  if (text === 'false' || text === '0') return false
  throw misuse(value, `${key} is neither true nor false`)
}

function misuse(value: string, why: string, hint?: string): WherryError {
  return new WherryError('usage', `--output "${value}": ${why}`, hint === undefined ? {} : { hint })
}
