/** Manifest lists that are being put together: one file each, by the name that they will have in a registry. */
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { digestOf } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import { type JsonObject, isJsonObject, parseJsonObject } from '../core/json.ts'
import { ensureDirectory, replaceDurably } from '../host/durable.ts'
import { parseDescriptor } from '../oci/descriptor.ts'
import { descriptorJson } from '../oci/image.ts'
import type { DraftMember, ManifestDraft, ManifestDrafts } from './contract.ts'
import { fileMode, shardedPath, versions } from './formats.ts'
import { type RecordParts, readRecord } from './records.ts'

/** The drafts in a folder. Someone typed them, so that they are written to last, and a damaged one is an error. */
export function openManifestDrafts(parts: RecordParts): ManifestDrafts {
  const pathOf = (name: string): string => shardedPath(parts.dir, digestOf(name), '.json')
  return {
    async get(name) {
      const bytes = await readRecord(pathOf(name), false)
      return bytes === undefined ? undefined : parseDraft(bytes.toString('utf8'), name)
    },
    async put(draft) {
      const path = pathOf(draft.name)
      await ensureDirectory(dirname(path), parts.dirMode)
      await replaceDurably({ temp: parts.tempPath('draft'), path, data: draftText(draft), mode: fileMode })
    },
    remove: (name) => rm(pathOf(name), { force: true }),
  }
}

function draftText({ name, members }: ManifestDraft): string {
  const list = members.map((member) => ({ ...member, descriptor: descriptorJson(member.descriptor) }))
  return JSON.stringify({ version: versions.draft, name, members: list })
}

function parseDraft(text: string, name: string): ManifestDraft {
  const { version, members } = parseJsonObject(text, `the manifest list ${name}`)
  if (version !== versions.draft || !Array.isArray(members)) {
    throw new WherryError('store-corrupt', `the manifest list ${name} was written by another version of wherry`, {
      hint: 'Remove it with `wherry manifest rm` and create it again.',
    })
  }
  return { name, members: members.filter(isJsonObject).map(parseMember) }
}

function parseMember({ name, repository, descriptor }: JsonObject): DraftMember {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  return {
    name: text(name),
    repository: text(repository),
    descriptor: parseDescriptor(descriptor, 'the manifest list'),
  }
}
