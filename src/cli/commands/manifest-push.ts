/** `wherry manifest push`: a list to its registry. */
import { pushList } from '../../transfer/manifest-list.ts'
import { defineCommand } from '../command.ts'
import { printLine } from '../io.ts'
import { draftNamed, manifestOptions, registryValues } from '../manifest-options.ts'
import { beginWait } from '../waiting.ts'
import { scopeOf, transferDepsFor } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] LIST',
  arguments: [1, 1],
  options: {
    purge: { kind: 'boolean', short: 'p', help: 'Remove the local list after the push' },
    ...manifestOptions,
  },
  examples: [['wherry manifest push --purge me/app:1', 'Images that its repository does not have are copied there']],
  run: async ({ options, args }, io) => {
    const deps = await transferDepsFor(registryValues(options), io)
    const draft = await draftNamed(args[0]!, deps.store)
    const wait = await beginWait({ text: `pushing ${draft.name}` }, io)
    const lines: string[] = []
    try {
      const { descriptor } = await pushList(draft, { deps, scope: scopeOf(io, wait.event) }, (member) => {
        const { digest } = member.descriptor
        lines.push(`Pushed ref ${draft.name.replace(/:[^/]*$/, '')}@${digest} with digest: ${digest}`)
      })
      lines.push(descriptor.digest)
      if (options.purge) await deps.store.drafts.remove(draft.name)
      return 0
    } finally {
      wait.close()
      for (const line of lines) printLine(io, line)
    }
  },
})
