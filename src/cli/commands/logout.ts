/** `wherry logout`: forgets the credentials for one registry. */
import { removeLogin } from '../../registry/credential-store.ts'
import { defineCommand } from '../command.ts'
import { noteLine, printLine } from '../io.ts'

export const command = defineCommand({
  usage: '[SERVER]',
  arguments: [0, 1],
  options: {},
  run: async ({ args }, io) => {
    const server = args[0] ?? 'docker.io'
    if (await removeLogin(io.env, server, io.signal)) printLine(io, `Removed the login for ${server}`)
    else noteLine(io, `There is no login for ${server}`)
    return 0
  },
})
