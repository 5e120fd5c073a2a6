/** `wherry version`. */
import { defineCommand } from '../command.ts'
import { printLine } from '../io.ts'
import { version } from '../version.ts'

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options: { format: { kind: 'string', choices: ['text', 'json'], help: 'Form of the output' } },
  run: ({ options }, io) => {
    const facts = { version, node: process.version, platform: `linux/${process.arch}` }
    const text = `wherry ${version} (Node ${process.version.slice(1)}, ${facts.platform})`
    printLine(io, options.format === 'json' ? JSON.stringify(facts) : text)
    return Promise.resolve(0)
  },
})
