/** `wherry base host`: a base image from the programs of this machine. */
import { availableParallelism } from 'node:os'
import type { SealItems } from '../../base/base-image.ts'
import { makeHostBase } from '../../base/host-base.ts'
import { formatReference, parseReference } from '../../oci/reference.ts'
import { createPool } from '../../trees/worker/pool.ts'
import { humanSize } from '../../ui/human.ts'
import { defineCommand } from '../command.ts'
import { sourceDateEpoch } from '../epoch.ts'
import { noteLine, printLine } from '../io.ts'
import { openStoreFor } from '../store.ts'
import { beginWait } from '../waiting.ts'
import { scopeOf } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] [PROGRAM|PACKAGE...]',
  arguments: [0, Infinity],
  options: {
    tag: { kind: 'list', short: 't', value: 'NAME[:TAG]', help: 'Name for the image' },
    quiet: { kind: 'boolean', short: 'q', help: 'Print the image id only' },
  },
  examples: [
    ['wherry base host -t base', 'A shell and the usual utilities'],
    ['wherry base host -t tools sh git /usr/bin/make', 'Programs, with the libraries that they need'],
  ],
  run: async ({ options, args }, io) => {
    const tags = options.tag.map((tag) => formatReference(parseReference(tag)))
    const epoch = sourceDateEpoch(io.env)
    const store = await openStoreFor(options, io)
    const pool = createPool(availableParallelism())
    const wait = await beginWait({ text: 'collecting the programs of this machine' }, io)
    try {
      const spec = { names: args, tags, ...(epoch === undefined ? {} : { sourceDateEpoch: epoch }) }
      const seal: SealItems = (items, to) => pool.run('seal', { items, ...to }, io)
      const made = await makeHostBase(spec, { store, seal }, scopeOf(io, wait.event))
      wait.close()
      printLine(io, made.id)
      if (!options.quiet) noteLine(io, `${made.entries} entries, ${humanSize(made.size)}`)
      return 0
    } finally {
      wait.close()
      await pool.close()
    }
  },
})
