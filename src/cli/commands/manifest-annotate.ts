/** `wherry manifest annotate`: which platform an image of a list is for. */
import type { Platform } from '../../oci/platform.ts'
import { parseReference } from '../../oci/reference.ts'
import { annotated } from '../../transfer/manifest-list.ts'
import { defineCommand } from '../command.ts'
import { draftNamed } from '../manifest-options.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS] LIST MANIFEST',
  arguments: [2, 2],
  options: {
    os: { kind: 'string', value: 'OS', help: 'Operating system' },
    arch: { kind: 'string', value: 'ARCH', help: 'Architecture' },
    variant: { kind: 'string', value: 'VARIANT', help: 'Variant of the architecture' },
    'os-version': { kind: 'string', value: 'VERSION', help: 'Version of the operating system' },
    'os-features': { kind: 'list', value: 'FEATURE', help: 'Feature of the operating system' },
  },
  examples: [
    ['wherry manifest annotate --arch arm --variant v6 me/app:1 me/app:1-armv6', 'What its config does not say'],
  ],
  run: async ({ options, args }, io) => {
    const [list, manifest] = args as [string, string]
    const store = await openStoreFor(options, io)
    const features = options['os-features'].flatMap((text) => text.split(','))
    const platform: Partial<Platform> = {
      ...(options.os === undefined ? {} : { os: options.os }),
      ...(options.arch === undefined ? {} : { architecture: options.arch }),
      ...(options.variant === undefined ? {} : { variant: options.variant }),
      ...(options['os-version'] === undefined ? {} : { osVersion: options['os-version'] }),
      ...(features.length === 0 ? {} : { osFeatures: features }),
    }
    await store.drafts.put(annotated(await draftNamed(list, store), parseReference(manifest), platform))
    return 0
  },
})
