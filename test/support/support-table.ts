/** docs/support.md, from the tables that the parser and the command line read. */
import { buildOptions } from '../../src/cli/build-options.ts'
import { cacheFromAttributes, cacheToAttributes } from '../../src/cli/cache-options.ts'
import type { OptionSpec } from '../../src/cli/command.ts'
import {
  fileAttributes,
  imageAttributes,
  refusedAttributes,
  storeAttributes,
  treeAttributes,
} from '../../src/cli/output-attributes.ts'
import { refusedBuildOptions } from '../../src/cli/refused-options.ts'
import { type Support, instructionSupport } from '../../src/dockerfile/support.ts'

const states: Readonly<Record<Support['state'], string>> = { yes: 'yes', part: 'in part', refused: 'refused' }

/** The whole document. */
export function supportDocument(): string {
  return `${[
    '# What is supported',
    'Made from the tables that the parser and the command line read; `npx vitest run -u test/cli/docs.test.ts` renews it. ' +
      'What is not listed is an error that names it: nothing is ignored.',
    '## Instructions and their flags',
    'The judge is BuildKit (docker/dockerfile:1). `yes` means: the same image.',
    table(['instruction', 'state', 'note'], instructionRows()),
    '## Options of `wherry build`',
    'Those of docker build, and of buildah where docker has none.',
    table(['option', 'state', 'note'], optionRows()),
    '## Attributes of `--output`',
    'See [outputs.md](outputs.md) for how they work together.',
    table(['attribute', 'types', 'note'], [...attributeRows(), ...refusedAttributeRows()]),
    '## Attributes of `--cache-from` and `--cache-to`',
    'See [cache.md](cache.md).',
    table(['attribute', 'of', 'note'], cacheRows()),
    '## Options of other builders that make no sense here',
    table(
      ['option', 'what to write instead, or why there is none'],
      Object.entries(refusedBuildOptions).map(refusedRow),
    ),
  ].join('\n\n')}\n`
}

function instructionRows(): string[][] {
  return Object.entries(instructionSupport).flatMap(([name, { state, note, flags }]) => [
    [`\`${name}\``, states[state], note],
    ...Object.entries(flags as Readonly<Record<string, Support>>).map(([flag, own]) => [
      `\`${name} --${flag}\``,
      states[own.state],
      own.note,
    ]),
  ])
}

function optionRows(): string[][] {
  const options: [string, OptionSpec][] = Object.entries(buildOptions)
  return options.map(([name, { short, aliases = [], help, hidden }]) => {
    const names = [...(short === undefined ? [] : [`-${short}`]), `--${name}`, ...aliases.map((alias) => `--${alias}`)]
    return [names.map((written) => `\`${written}\``).join(', '), hidden === true ? 'always on' : 'yes', help]
  })
}

function attributeRows(): string[][] {
  const tables = [
    ['oci, docker, local, tar', fileAttributes],
    ['image, registry, oci, docker', imageAttributes],
    ['image, registry', storeAttributes],
    ['local, tar', treeAttributes],
  ] as const
  return tables.flatMap(([types, attributes]) =>
    Object.entries(attributes).map(([name, note]) => [`\`${name}\``, types, note]),
  )
}

function cacheRows(): string[][] {
  const tables = [
    ['--cache-from', cacheFromAttributes],
    ['--cache-to', cacheToAttributes],
  ] as const
  return tables.flatMap(([option, types]) =>
    Object.entries(types).flatMap(([type, attributes]) => {
      const of = `\`${option} type=${type}\``
      const rows = Object.entries(attributes).map(([name, note]) => [`\`${name}\``, of, note])
      return rows.length === 0 ? [['', of, 'The image itself; it takes no attributes']] : rows
    }),
  )
}

function refusedAttributeRows(): string[][] {
  return Object.entries(refusedAttributes).map(([name, why]) => [`\`${name}\``, 'refused', why])
}

function refusedRow([name, reason]: [string, string]): string[] {
  return [`\`${name}\``, reason]
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
