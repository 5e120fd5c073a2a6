/** `wherry unshare`: a shell as root of a user namespace, in which containers can be mounted. */
import { unshare } from '../../container/unshare.ts'
import { WherryError } from '../../core/errors.ts'
import { withContainers } from '../container-wiring.ts'
import { isolationOption } from '../container-options.ts'
import { defineCommand } from '../command.ts'
import { scopeOf } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] [COMMAND] [ARGUMENT...]',
  arguments: [0, Infinity],
  stopAtArgument: true,
  failed: 125,
  options: {
    mount: {
      kind: 'list',
      short: 'm',
      value: '[VARIABLE=]CONTAINER',
      help: 'Mount a container; the variable (its name, if it is one) gets its folder',
    },
    ...isolationOption,
  },
  examples: [
    ['wherry unshare', '$SHELL; in it `wherry mount CONTAINER` prints the folder'],
    ["wherry unshare --mount C=try sh -c 'grep -r TODO $C/etc'", 'The files of the container try'],
  ],
  run: ({ options, args }, io) => {
    const env = Object.fromEntries(Object.entries(io.env).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])))
    const mounts = options.mount.map(parseMount)
    const words = args.length === 0 ? [io.env['SHELL'] ?? '/bin/sh'] : args
    return withContainers({ ...options, foreground: true }, io, (deps) =>
      unshare({ args: words, env, cwd: io.cwd, mounts }, { deps, scope: scopeOf(io, () => undefined) }),
    )
  },
})

function parseMount(text: string): { variable: string; container: string } {
  const equals = text.indexOf('=')
  const variable = equals < 0 ? text : text.slice(0, equals)
  if (/^[A-Za-z_]\w*$/.test(variable)) return { variable, container: text.slice(equals + 1) }
  throw new WherryError('usage', `--mount "${text}": "${variable}" is no name of a variable`, {
    hint: `Write --mount C=${text}.`,
  })
}
