/** Commands of docker's that need a daemon or a network of the container's own: each says why, and what to do instead. */
import { WherryError } from '../../core/errors.ts'
import type { Command } from '../command.ts'
import { defineCommand } from '../command.ts'

function refused(message: string, hint: string): Command {
  return defineCommand({
    usage: 'CONTAINER',
    arguments: [0, Infinity],
    options: {},
    run: () => Promise.reject(new WherryError('usage', message, { hint })),
  })
}

export const port: Command = refused(
  'a container has no ports of its own: its programs have the network of this machine',
  'They are reached at the ports that they listen on; `wherry inspect IMAGE` shows those that the image exposes.',
)

export const attach: Command = refused(
  'a program has the terminal in which it was started, and no daemon that could hand it on',
  'Start it in tmux or screen, and attach to those.',
)
