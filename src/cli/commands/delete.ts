/** `wherry delete`: images in a registry. */
import { WherryError, asWherryError } from '../../core/errors.ts'
import { type Reference, formatReference, parseReference } from '../../oci/reference.ts'
import type { RegistryClient } from '../../registry/contract.ts'
import { defineCommand } from '../command.ts'
import { type Io, noteLine, printLine } from '../io.ts'
import { registryOptions } from '../registry-options.ts'
import { registryFor, scopeOf } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] NAME:TAG|NAME@DIGEST...',
  arguments: [1, Infinity],
  options: { ...registryOptions },
  examples: [
    ['wherry delete reg.example.com/me/app:old', 'In the registry; `wherry rmi` removes images of the local store'],
  ],
  run: async ({ options, args }, io) => {
    const references = args.map(exact)
    const registry = registryFor(options, io)
    let code = 0
    for (const reference of references) {
      try {
        await deleteOne(reference, registry, io)
      } catch (error) {
        const { message, hint, code: kind } = asWherryError(error)
        if (kind === 'cancelled') throw error
        noteLine(io, `ERROR: ${message} [${kind}]${hint === undefined ? '' : `\nhint: ${hint}`}`)
        code = 1
      }
    }
    return code
  },
})

/** What is deleted is written out: no tag is taken for `latest`. */
function exact(text: string): Reference {
  const reference = parseReference(text)
  if (reference.digest !== undefined || /:[^/]*$/.test(text)) return reference
  throw new WherryError('usage', `"${text}" has neither tag nor digest`, { hint: 'Write NAME:TAG or NAME@sha256:….' })
}

async function deleteOne(reference: Reference, registry: RegistryClient, io: Io): Promise<void> {
  const scope = scopeOf(io, () => undefined)
  const { registry: host, repository, tag, digest } = reference
  if (await registry.remove(reference, digest ?? tag!, scope)) {
    printLine(
      io,
      `Deleted: ${formatReference(digest === undefined ? reference : { registry: host, repository, digest })}`,
    )
    return
  }
  const found = (await registry.resolve(reference, tag!, scope))?.digest
  if (found === undefined) throw new WherryError('image-not-found', `${formatReference(reference)} is not there`)
  noteLine(io, `${host} deletes by digest only: all tags of the image go with ${formatReference(reference)}`)
  await registry.remove(reference, found, scope)
  printLine(io, `Deleted: ${formatReference({ registry: host, repository, digest: found })}`)
}
