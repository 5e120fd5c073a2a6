/** Completion for zsh 5: a function for `compdef`, with zsh's own `_arguments` for each command. */
import {
  type CompletedCommand,
  type CompletedOption,
  type ValueKind,
  firstWords,
  quoted,
  secondWords,
} from './model.ts'

/** The script, which can be sourced, or lie in fpath as `_wherry`. */
export function zshCompletion(commands: readonly CompletedCommand[]): string {
  const groups = secondWords(commands)
  const pairs = [...new Set(commands.flatMap((c) => c.names.filter((name) => name.includes(' '))))]
  return `#compdef wherry
# zsh completion for wherry; to use it: source <(wherry completion zsh)

_wherry_images() {
  local -a names
  names=(\${(f)"$(wherry images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | grep -v '<none>')"})
  compadd -a names
}

_wherry() {
  local -a known pairs
  local command=$words[2]
  pairs=(${pairs.map(quoted).join(' ')})
  if (( CURRENT == 2 )); then
    known=(${described(firstWords(commands))})
    _describe command known
    return
  fi
  if (( CURRENT == 3 )); then
    case $words[2] in
${[...groups].map(([first, words]) => `      ${first}) known=(${described(words)}); _describe command known ;;`).join('\n')}
    esac
  fi
  if (( CURRENT > 3 )) && (( \${pairs[(Ie)$words[2] $words[3]]} )); then
    command="$words[2] $words[3]"
    shift words
    (( CURRENT-- ))
  fi
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map(caseOf).join('\n')}
  esac
}

if [[ $funcstack[1] == _wherry ]]; then
  _wherry "$@"
else
  compdef _wherry wherry
fi
`
}

function described(words: ReadonlyMap<string, string>): string {
  return [...words].map(([word, summary]) => quoted(`${word}:${summary}`)).join(' ')
}

function caseOf({ names, options, argument }: CompletedCommand): string {
  const rest = `*:argument:${action(argument)}`
  const specs = [...options.flatMap(optionSpecs), rest].map(quoted)
  return `    (${names.map((name) => name.replace(' ', '\\ ')).join('|')}) _arguments -s ${specs.join(' ')} ;;`
}

/** One specification for each spelling; `_arguments` wants brackets and colons escaped. */
function optionSpecs({ names, help, value, attached, repeats }: CompletedOption): string[] {
  const text = help.replace(/[[\]:\\]/g, '\\$&')
  return names.map((name) => {
    const isLong = name.startsWith('--')
    const star = repeats ? '*' : ''
    if (value !== undefined) return `${star}${name}${isLong ? '=' : '+'}[${text}]:value:${action(value)}`
    if (attached.length > 0) return `${star}${name}${isLong ? '=-' : '-'}[${text}]::value:(${attached.join(' ')})`
    return `${star}${name}[${text}]`
  })
}

function action(value: ValueKind): string {
  switch (value.kind) {
    case 'words':
      return `(${value.words.join(' ')})`
    case 'file':
      return '_files'
    case 'folder':
      return '_files -/'
    case 'image':
      return '_wherry_images'
    case 'other':
      return ' '
  }
}
