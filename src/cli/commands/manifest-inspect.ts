/** `wherry manifest inspect`: a manifest or a list, local or in its registry. */
import { WherryError } from '../../core/errors.ts'
import { platformJson } from '../../oci/platform.ts'
import { type Document, isIndex, parseManifestOrIndex } from '../../oci/image.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import { type Reference, formatReference, parseReference } from '../../oci/reference.ts'
import type { Scope } from '../../core/scope.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { TransferDeps } from '../../transfer/deps.ts'
import { listDocument } from '../../transfer/manifest-list.ts'
import { defineCommand } from '../command.ts'
import { printLine } from '../io.ts'
import { draftNamed, manifestOptions, registryValues } from '../manifest-options.ts'
import { scopeOf, transferDepsFor } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] [LIST] MANIFEST',
  arguments: [1, 2],
  options: {
    verbose: { kind: 'boolean', short: 'v', help: 'Show every image of a list, with its descriptor' },
    raw: { kind: 'boolean', help: 'Print the exact bytes' },
    ...manifestOptions,
  },
  examples: [['wherry manifest inspect debian:12', 'In its registry, without pulling anything']],
  run: async ({ options, args }, io) => {
    const deps = await transferDepsFor(registryValues(options), io)
    const scope = scopeOf(io, () => undefined)
    const found = await find(args, { deps, scope })
    if (options.raw) io.stdout.write(found.document.bytes)
    else if (options.verbose) printLine(io, JSON.stringify(await verbose(found, { deps, scope }), null, '\t'))
    else printLine(io, JSON.stringify(JSON.parse(found.document.bytes.toString('utf8')), null, 3))
    return 0
  },
})

interface Tools {
  readonly deps: TransferDeps
  readonly scope: Scope
}

interface Found {
  readonly reference: Reference
  readonly document: Document
  /** Where the images of a local list are. */
  readonly placeOf: (digest: Descriptor['digest']) => Reference
}

async function find(args: readonly string[], { deps, scope }: Tools): Promise<Found> {
  const reference = parseReference(args.at(-1)!)
  const { registry, repository } = reference
  const inRepository: Found['placeOf'] = (digest) => ({ registry, repository, digest })
  if (args.length === 2) {
    const draft = await draftNamed(args[0]!, deps.store)
    const name = formatReference(reference)
    const member = draft.members.find((m) => m.name === name || m.descriptor.digest === reference.digest)
    if (member === undefined)
      throw new WherryError('image-not-found', `the manifest list ${args[0]!} does not have ${name}`)
    const { digest } = member.descriptor
    return { reference, document: await deps.registry.manifest(reference, digest, scope), placeOf: inRepository }
  }
  const draft = reference.digest === undefined ? await deps.store.drafts.get(formatReference(reference)) : undefined
  if (draft === undefined) {
    const asked = reference.digest ?? reference.tag ?? 'latest'
    return { reference, document: await deps.registry.manifest(reference, asked, scope), placeOf: inRepository }
  }
  const placeOf: Found['placeOf'] = (digest) => {
    const member = draft.members.find(({ descriptor }) => descriptor.digest === digest)
    return member === undefined ? inRepository(digest) : parseReference(`${member.repository}@${digest}`)
  }
  return { reference, document: listDocument(draft), placeOf }
}

/** Docker's shape: one object for an image, a list of them for a list. */
async function verbose({ reference, document, placeOf }: Found, { deps, scope }: Tools): Promise<unknown> {
  const parsed = parseManifestOrIndex(document.bytes, document.descriptor.mediaType)
  if (!isIndex(parsed)) return entry(formatReference(reference), document, document.descriptor)
  const entries = []
  for (const member of parsed.manifests) {
    const place = placeOf(member.digest)
    entries.push(entry(formatReference(place), await deps.registry.manifest(place, member.digest, scope), member))
  }
  return entries
}

function entry(ref: string, { bytes, descriptor }: Document, { platform }: Descriptor): object {
  const { mediaType, digest, size } = descriptor
  const manifest: unknown = JSON.parse(bytes.toString('utf8'))
  return {
    Ref: ref,
    Descriptor: { mediaType, digest, size, ...(platform === undefined ? {} : { platform: platformJson(platform) }) },
    [mediaType === mediaTypes.dockerManifest ? 'SchemaV2Manifest' : 'OCIManifest']: manifest,
  }
}
