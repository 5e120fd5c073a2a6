/** Completion for fish 3 and later. */
import {
  type CompletedCommand,
  type CompletedOption,
  type ValueKind,
  firstWords,
  quoted,
  secondWords,
} from './model.ts'

/** The script. */
export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const groups = secondWords(commands)
  return [
    '# fish completion for wherry; to use it: wherry completion fish | source',
    helpers(commands),
    'complete -c wherry -f',
    ...[...firstWords(commands)].map(
      ([word, summary]) => `complete -c wherry -n __wherry_first -a ${quoted(word)} -d ${quoted(summary)}`,
    ),
    ...[...groups].flatMap(([first, words]) =>
      [...words].map(
        ([word, summary]) =>
          `complete -c wherry -n ${quoted(`__wherry_second ${first}`)} -a ${quoted(word)} -d ${quoted(summary)}`,
      ),
    ),
    ...commands.flatMap(commandLines),
    '',
  ].join('\n')
}

/** Functions that look at the words before the cursor; options are passed over, as far as they are one word. */
function helpers(commands: readonly CompletedCommand[]): string {
  const pairs = [...new Set(commands.flatMap((c) => c.names.filter((name) => name.includes(' '))))]
  return `
function __wherry_words
    string match --invert -- '-*' (commandline -opc)[2..-1]
end
function __wherry_first
    test (count (__wherry_words)) -eq 0
end
function __wherry_second
    set -l words (__wherry_words)
    test (count $words) -eq 1; and test "$words[1]" = "$argv[1]"
end
function __wherry_command
    set -l words (__wherry_words)
    test (count $words) -gt 0; or return 1
    if test (count $words) -gt 1; and contains -- "$words[1] $words[2]" ${pairs.map(quoted).join(' ')}
        contains -- "$words[1] $words[2]" $argv
    else
        contains -- "$words[1]" $argv
    end
end
function __wherry_images
    wherry images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | string match --invert -- '*<none>*'
end
`
}

function commandLines({ names, options, argument }: CompletedCommand): string[] {
  const at = `complete -c wherry -n ${quoted(`__wherry_command ${names.map((name) => `"${name}"`).join(' ')}`)}`
  const rest = valueText(argument)
  return [
    ...options.map((option) => `${at} ${optionText(option)} -d ${quoted(option.help)}`),
    ...(rest === '' ? [] : [`${at} ${rest}`]),
  ]
}

function optionText({ names, value, attached }: CompletedOption): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(' ')
  if (value !== undefined) return `${flags} -r ${valueText(value)}`.trimEnd()
  return attached.length === 0 ? flags : `${flags} -a ${quoted(attached.join(' '))}`
}

function valueText(value: ValueKind): string {
  switch (value.kind) {
    case 'words':
      return `-f -a ${quoted(value.words.join(' '))}`
    case 'file':
      return '-F'
    case 'folder':
      return `-f -a ${quoted('(__fish_complete_directories (commandline -ct))')}`
    case 'image':
      return `-f -a ${quoted('(__wherry_images)')}`
    case 'other':
      return ''
  }
}
