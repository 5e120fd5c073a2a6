/** `wherry commit`: an image of what a container has become. */
import { commitContainer } from '../../container/commit.ts'
import { formatReference, parseReference } from '../../oci/reference.ts'
import { withContainers } from '../container-wiring.ts'
import { defineCommand } from '../command.ts'
import { printLine } from '../io.ts'
import { scopeOf } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [NAME[:TAG]]',
  arguments: [1, 2],
  options: {
    author: { kind: 'string', short: 'a', value: 'AUTHOR', help: 'Who made the image' },
    message: { kind: 'string', short: 'm', value: 'TEXT', help: 'Comment of the image in its history' },
    change: {
      kind: 'list',
      short: 'c',
      value: 'INSTRUCTION',
      help: 'Change the config: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, VOLUME, WORKDIR, …',
    },
    squash: { kind: 'boolean', help: 'One layer of everything, instead of one more' },
    pause: { kind: 'boolean', short: 'p', on: true, help: "Stop the container's processes meanwhile (default true)" },
    rm: { kind: 'boolean', help: 'Remove the container afterwards' },
    quiet: { kind: 'boolean', short: 'q', help: 'Print nothing but the id, as it always is' },
  },
  unsupported: ['-f', '--format', '--omit-timestamp', '--timestamp', '--iidfile'],
  examples: [
    ["wherry commit -m 'with nginx' -c 'CMD [\"nginx\"]' try me/app:1", 'Also while it runs, from another terminal'],
  ],
  run: ({ options, args: [query = '', name] }, io) => {
    const names = name === undefined ? [] : [formatReference(parseReference(name))]
    return withContainers(options, io, async (deps) => {
      const record = await deps.store.containers.resolve(query)
      const scope = scopeOf(io, () => undefined)
      const { author, message, change: changes, squash, pause } = options
      const given = { ...(author !== undefined && { author }), ...(message !== undefined && { message }) }
      printLine(io, await commitContainer(record, { names, changes, squash, pause, ...given }, { deps, scope }))
      if (options.rm) {
        const { removeContainer } = await import('../../container/remove.ts')
        await removeContainer(record, { force: false, volumes: true }, { deps, scope })
      }
      return 0
    })
  },
})
