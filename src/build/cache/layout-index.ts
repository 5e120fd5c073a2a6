/** index.json of a cache's folder: an entry for each record; what else is in there stays as it is. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { WherryError } from '../../core/errors.ts'
import { ifStillThere } from '../../core/if-there.ts'
import { type JsonObject, isJsonObject, parseJsonObject } from '../../core/json.ts'
import { type Descriptor, parseDescriptor } from '../../oci/descriptor.ts'
import { descriptorJson } from '../../oci/image.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import { ociLayoutFile } from '../../store/formats.ts'
import { putFile, whileIndexIsLocked } from '../../transfer/layout-files.ts'

const nameKey = 'org.opencontainers.image.ref.name'

/** An entry of index.json, as it is there. */
export interface IndexEntry {
  /** undefined: it has none, and is nothing of a cache. */
  readonly name: string | undefined
  readonly json: JsonObject
}

/** The descriptor of an entry; undefined if it is none. */
export function descriptorIn({ json }: IndexEntry): Descriptor | undefined {
  try {
    return parseDescriptor(json, 'an entry of index.json')
  } catch (error) {
    if (error instanceof WherryError) return undefined
    throw error
  }
}

/** The entry that names the manifest of a record. */
export function entryOf(name: string, { mediaType, digest, size }: Descriptor): IndexEntry {
  return { name, json: descriptorJson({ mediaType, digest, size, annotations: { [nameKey]: name } }) }
}

/** All entries; a folder without index.json has none. @throws WherryError `json-invalid` */
export async function readEntries(folder: string): Promise<readonly IndexEntry[]> {
  const text = await ifStillThere(readFile(join(folder, 'index.json'), 'utf8'))
  if (text === undefined) return []
  const { manifests } = parseJsonObject(text, `${folder}/index.json`)
  return (Array.isArray(manifests) ? (manifests as readonly unknown[]) : []).filter(isJsonObject).map((json) => {
    const { annotations } = json
    const name = isJsonObject(annotations) ? annotations[nameKey] : undefined
    return { name: typeof name === 'string' ? name : undefined, json }
  })
}

/**
 * Replaces the entries, while no other build writes them.
 * @param edit gives the new ones; undefined leaves the file as it is
 * @throws WherryError `store-busy`, and what `edit` throws
 */
export async function editEntries(
  folder: string,
  edit: (read: () => Promise<readonly IndexEntry[]>) => Promise<readonly IndexEntry[] | undefined>,
): Promise<void> {
  await mkdir(folder, { recursive: true })
  await whileIndexIsLocked(folder, async (lock) => {
    const entries = await edit(() => readEntries(folder))
    if (entries === undefined) return
    await putFile(join(folder, 'oci-layout'), Buffer.from(ociLayoutFile))
    lock.assertHeld()
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: entries.map(({ json }) => json) }
    await putFile(join(folder, 'index.json'), Buffer.from(JSON.stringify(index)))
  })
}
