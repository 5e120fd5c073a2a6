/** `wherry version`. */
import { hostPlatform } from '../../oci/platform.ts'
import { defineCommand } from '../command.ts'
import { formatObjects } from '../format.ts'
import { version } from '../version.ts'

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options: {
    format: {
      kind: 'string',
      short: 'f',
      value: 'FORMAT',
      help: '"text", "json", or a Go template such as "{{.Client.Version}}"',
    },
    json: { kind: 'boolean', help: 'The same as --format json' },
  },
  run: ({ options }, io) => {
    const { os, architecture } = hostPlatform()
    const part = { Version: version, NodeVersion: process.version.slice(1), Os: os, Arch: architecture }
    // There is no server; scripts that ask for its version want that of what builds.
    const facts = { Client: part, Server: part, version, node: process.version, platform: `${os}/${architecture}` }
    const format = options.json ? 'json' : options.format
    if (format === undefined || format === 'text' || format === '') {
      const lines = [
        ['Version:', version],
        ['Node version:', part.NodeVersion],
        ['OS/Arch:', facts.platform],
      ] as const
      io.stdout.write(`wherry:\n${lines.map(([name, value]) => ` ${name.padEnd(18)}${value}\n`).join('')}`)
    } else io.stdout.write(formatObjects([facts], format))
    return Promise.resolve(0)
  },
})
