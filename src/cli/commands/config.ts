/** `wherry config`: what an image of a container will say. */
import { editConfig } from '../../container/edit-config.ts'
import { WherryError } from '../../core/errors.ts'
import { defineCommand } from '../command.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  arguments: [1, 1],
  options: {
    env: { kind: 'list', short: 'e', value: 'NAME=VALUE', help: 'Set a variable; NAME- removes it, - removes all' },
    cmd: { kind: 'string', value: 'COMMAND', help: 'CMD: words, or a JSON array' },
    entrypoint: { kind: 'string', value: 'PROGRAM', help: 'ENTRYPOINT: a JSON array, or text for the shell' },
    workingdir: { kind: 'string', aliases: ['workdir'], value: 'DIR', help: 'WORKDIR' },
    label: { kind: 'list', short: 'l', value: 'NAME=VALUE', help: 'Set a label; NAME- removes it' },
    port: { kind: 'list', short: 'p', value: 'PORT', help: 'EXPOSE a port; PORT- takes that back' },
    user: { kind: 'string', short: 'u', value: 'USER[:GROUP]', help: 'USER' },
    volume: { kind: 'list', short: 'v', value: 'PATH', help: 'VOLUME; PATH- takes that back' },
    shell: { kind: 'string', value: 'COMMAND', help: 'SHELL' },
    'stop-signal': { kind: 'string', value: 'SIGNAL', help: 'STOPSIGNAL' },
    onbuild: { kind: 'list', value: 'INSTRUCTION', help: 'ONBUILD; - removes all' },
    annotation: { kind: 'list', short: 'a', value: 'NAME=VALUE', help: 'Annotation of the image' },
    author: { kind: 'string', value: 'AUTHOR', help: 'Who made the image' },
    comment: { kind: 'string', value: 'TEXT', help: 'Comment of the image in its history' },
    'created-by': { kind: 'string', value: 'TEXT', help: 'What its history says made the layer' },
    hostname: { kind: 'string', value: 'NAME', help: 'Host name that programs in the container see' },
  },
  unsupported: ['--arch', '--os', '--variant', '--domainname', '--healthcheck', '--history-comment'],
  examples: [['wherry config --env A=b --cmd \'["serve", "-p", "80"]\' --port 80 try', 'For the next `wherry commit`']],
  run: async ({ options, args: [query = ''] }, io) => {
    const { containers } = await openStoreFor(options, io)
    const record = await containers.resolve(query)
    // A program that runs writes how it ended into the record.
    const hold = await containers.hold(record, 'work')
    if (hold === undefined)
      throw new WherryError('container-in-use', `the container ${record.name} is in use`, {
        hint: 'Wait for the end of its program, or give the changes to the commit: -c "ENV A=b".',
      })
    try {
      await containers.update(editConfig(record, options))
    } finally {
      await hold.release()
    }
    return 0
  },
})
