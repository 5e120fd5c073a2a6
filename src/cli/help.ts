/** Help texts, written by yargs from the commands' data. */
import yargs, { type Options } from 'yargs'
import { WherryError } from '../core/errors.ts'
import { nearest } from '../dockerfile/suggest.ts'
import { type Command, type OptionSpec, globalOptions } from './command.ts'
import { type CommandEntry, commands } from './commands.ts'

/** The help of wherry as a whole; `columns` is the width to wrap at. */
export async function overview(columns: number): Promise<string> {
  const program = plainYargs(columns)
    .usage(
      'wherry COMMAND [OPTIONS] [ARGUMENTS]\n\nBuilds container images from Dockerfiles with no daemon, no root and no privileges.',
    )
    .options(yargsOptions(globalOptions))
    .option('version', { alias: 'v', describe: 'Show the version' })
    .example('wherry build -t me/app .', 'Build the Dockerfile here')
    .example('wherry build -t reg.example.com/me/app --push .', 'Build and push')
    .example('wherry doctor', 'See what this machine allows')
    .epilogue('`wherry COMMAND --help` says more of a command.')
  for (const { name, summary } of commands) program.command(name, summary)
  return `${await program.getHelp()}\n`
}

/** The help of one command. */
export async function commandHelp(entry: CommandEntry, command: Command, columns: number): Promise<string> {
  const also = entry.also.length === 0 ? '' : `\n\nAlso: ${entry.also.map((name) => `wherry ${name}`).join(', ')}`
  const program = plainYargs(columns)
    .usage(`wherry ${entry.name} ${command.usage}\n\n${entry.summary}.${also}`)
    .options(yargsOptions({ ...command.options, ...globalOptions }))
  for (const [line, does] of command.examples ?? []) program.example(line, does)
  return `${await program.getHelp()}\n`
}

/** What `wherry image` alone shows: the commands that begin with the word. Undefined if there are none. */
export function groupHelp(word: string): string | undefined {
  const rows = commands.flatMap(({ name, also, summary }) =>
    [name, ...also].filter((one) => one.startsWith(`${word} `)).map((one) => ({ one, summary })),
  )
  if (rows.length === 0) return undefined
  const width = Math.max(...rows.map(({ one }) => one.length)) + 11
  const lines = rows.map(({ one, summary }) => `${`  wherry ${one}`.padEnd(width)}${summary}\n`)
  return `wherry ${word} COMMAND\n\nCommands:\n${lines.join('')}`
}

/** The error for words that name no command, with the nearest that do. */
export function unknownCommand(words: readonly string[]): WherryError {
  const names = commands.flatMap((c) => [c.name, ...c.also])
  const group = names.filter((name) => name.startsWith(`${words[0]} `))
  const near =
    words[0]!.length > 2 ? (nearest(words[0]!, names) ?? nearest(words.slice(0, 2).join(' '), names)) : undefined
  const hint =
    group.length > 0
      ? `There are ${group.map((name) => `\`wherry ${name}\``).join(', ')}.`
      : `${near === undefined ? '' : `Did you mean \`wherry ${near}\`? `}\`wherry --help\` lists the commands.`
  return new WherryError('usage', `there is no command "${words.slice(0, group.length > 0 ? 2 : 1).join(' ')}"`, {
    hint,
  })
}

function plainYargs(columns: number) {
  return yargs([]).scriptName('wherry').locale('en').version(false).help(false).wrap(Math.min(columns, 110))
}

function yargsOptions(table: Readonly<Record<string, OptionSpec>>): Record<string, Options> {
  const shown = Object.entries(table).filter(([, spec]) => !spec.hidden)
  return Object.fromEntries(shown.map(([name, spec]) => [name, yargsOption(spec)]))
}

function yargsOption(spec: OptionSpec): Options {
  const alias = [...(spec.short === undefined ? [] : [spec.short]), ...(spec.aliases ?? [])]
  const value = spec.value === undefined ? '' : `${spec.value}: `
  return {
    alias,
    describe: `${value}${spec.help}${spec.kind === 'list' ? ' (may be repeated)' : ''}`,
    ...(spec.choices === undefined ? {} : { choices: spec.choices }),
    ...(spec.on === true ? { default: true } : {}),
  }
}
