/** Descriptors: how bytes are named without being held. OCI image-spec descriptor.md. */
import { type Digest, parseDigest } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import { isJsonObject, stringArray, stringRecord } from '../core/json.ts'
import { type Platform, parsePlatformObject } from './platform.ts'

/** Annotation by which the store remembers with which level a layer's form was made; no manifest has it. */
export const compressionLevelKey = 'dev.wherry.layer.level'

/** Media type, digest and size in bytes of a blob. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly annotations?: Readonly<Record<string, string>>
  readonly platform?: Platform
  readonly urls?: readonly string[]
  readonly artifactType?: string
}

/**
 * Reads a descriptor out of parsed JSON.
 * @throws WherryError `config-invalid` (named by `subject`), `digest-invalid`
 */
export function parseDescriptor(value: unknown, subject: string): Descriptor {
  if (!isJsonObject(value) || typeof value['mediaType'] !== 'string' || typeof value['digest'] !== 'string') {
    throw new WherryError('config-invalid', `${subject} holds a descriptor without media type or digest`)
  }
  const size = value['size']
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new WherryError('config-invalid', `${subject} holds a descriptor with a bad size`)
  }
  return {
    mediaType: value['mediaType'],
    digest: parseDigest(value['digest']),
    size,
    ...(value['annotations'] === undefined ? {} : { annotations: stringRecord(value['annotations']) }),
    ...(isJsonObject(value['platform']) ? { platform: parsePlatformObject(value['platform']) } : {}),
    ...(stringArray(value['urls']) ? { urls: stringArray(value['urls'])! } : {}),
    ...(typeof value['artifactType'] === 'string' ? { artifactType: value['artifactType'] } : {}),
  }
}
