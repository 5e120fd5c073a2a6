/** The manual page, from the same tables as the help. man(7) */
import { type Command, type OptionTable, globalOptions } from './command.ts'
import type { CommandEntry } from './commands.ts'
import { version } from './version.ts'

/** The page wherry(1): every command with its options and examples. */
export async function manualPage(entries: readonly CommandEntry[]): Promise<string> {
  const commands = await Promise.all(entries.map(async (entry) => ({ entry, command: await entry.load() })))
  return joined([
    ...head('WHERRY', 'wherry', 'build and move container images with no daemon and no root'),
    '.SH SYNOPSIS',
    '.B wherry',
    '.I COMMAND',
    '[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]',
    '.SH DESCRIPTION',
    roff('Builds container images from Dockerfiles with no daemon, no root and no privileges.'),
    roff('Commands, options and output are those of docker where it has them.'),
    '.SH OPTIONS',
    ...optionList({ ...globalOptions, version: { kind: 'boolean', short: 'v', help: 'Show the version' } }),
    '.SH COMMANDS',
    ...commands.flatMap(({ entry, command }) => [
      `.SS ${roff(`wherry ${entry.name}`)}`,
      ...commandPart(entry, command),
    ]),
    ...tail,
  ])
}

/** The page of one command. */
export async function commandManual(entry: CommandEntry): Promise<string> {
  const command = await entry.load()
  const name = `wherry-${entry.name.replaceAll(' ', '-')}`
  return joined([
    ...head(name.toUpperCase(), name, entry.summary),
    '.SH SYNOPSIS',
    `.B ${roff(`wherry ${entry.name}`)}`,
    roff(command.usage),
    '.SH DESCRIPTION',
    ...commandPart(entry, command).slice(2),
    ...tail,
  ])
}

function head(title: string, name: string, summary: string): string[] {
  return [
    `.TH ${roff(title)} 1 "" "wherry ${roff(version)}" "wherry"`,
    '.SH NAME',
    `${roff(name)} \\- ${roff(summary)}`,
  ]
}

const tail = [
  '.SH EXIT STATUS',
  '0 if it was done, 1 if it failed, 2 if it was asked wrongly.',
  roff('`wherry run` exits with what the program exits with.'),
  '.SH FILES',
  '.TP',
  roff('$XDG_DATA_HOME/wherry'),
  roff('The local store; ~/.local/share/wherry without the variable.'),
  '.SH SEE ALSO',
  '.BR docker (1),',
  '.BR skopeo (1)',
]

function commandPart(entry: CommandEntry, command: Command): string[] {
  const also = entry.also.map((name) => `wherry ${name}`).join(', ')
  return [
    `.B ${roff(`wherry ${entry.name}`)}`,
    roff(command.usage),
    '.PP',
    roff(`${entry.summary}.`),
    ...(also === '' ? [] : ['.PP', roff(`Also: ${also}.`)]),
    ...optionList(command.options),
    ...(command.examples ?? []).flatMap(([line, does]) => ['.TP', `.B ${roff(line)}`, roff(does)]),
  ]
}

function optionList(table: OptionTable): string[] {
  return Object.entries(table)
    .filter(([, spec]) => spec.hidden !== true)
    .flatMap(([name, spec]) => {
      const names = [...(spec.short === undefined ? [] : [`-${spec.short}`]), `--${name}`]
      const all = [...names, ...(spec.aliases ?? []).map((alias) => `--${alias}`)]
      const flags = all.map((flag) => `\\fB${roff(flag)}\\fR`).join(', ')
      const value = spec.kind === 'boolean' ? '' : (spec.value ?? spec.choices?.join('|') ?? 'VALUE')
      const shown = spec.kind === 'optional' ? `[=\\fI${roff(value)}\\fR]` : ` \\fI${roff(value)}\\fR`
      const notes = [
        ...(spec.value !== undefined && spec.choices !== undefined ? [`One of ${spec.choices.join(', ')}.`] : []),
        ...(spec.kind === 'list' ? ['May be repeated.'] : []),
        ...(spec.on === true ? [`On by default; --${name}=false.`] : []),
      ]
      return ['.TP', `${flags}${value === '' ? '' : shown}`, roff([`${spec.help}.`, ...notes].join(' '))]
    })
}

/** Text that roff takes as it stands: backslashes, hyphens that must be copied as such, and dots at the start of a line. */
function roff(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('`', '\\(ga').replaceAll("'", '\\(aq')
  return escaped.replace(/^([.])/gm, '\\&$1')
}

function joined(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`
}
