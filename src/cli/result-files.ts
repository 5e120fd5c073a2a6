/** Files about the result, as docker buildx writes them: `--iidfile` and `--metadata-file`. */
import { writeFile } from 'node:fs/promises'
import type { ImageMetadata } from '../build/contract.ts'
import { WherryError, errnoOf } from '../core/errors.ts'
import { descriptorJson } from '../oci/image.ts'

/** The metadata with buildx's keys. */
export function metadataText({ descriptor, config, names }: ImageMetadata): string {
  const metadata = {
    ...(config === undefined ? {} : { 'containerimage.config.digest': config }),
    'containerimage.descriptor': descriptorJson(descriptor),
    'containerimage.digest': descriptor.digest,
    ...(names.length === 0 ? {} : { 'image.name': names.join(',') }),
  }
  return JSON.stringify(metadata, null, 2)
}

/** Writes the text where the user wants it, which may be a fifo or a device. @throws WherryError `io` */
export async function writeResultFile(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text)
  } catch (cause) {
    throw new WherryError('io', `cannot write ${path} (${errnoOf(cause) ?? String(cause)})`, { cause })
  }
}
