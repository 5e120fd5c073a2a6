/** Completion for bash 4 and later: one script with all that is known, which asks wherry only for names of images. */
import { type CompletedCommand, type ValueKind, firstWords, quoted, secondWords } from './model.ts'

/** The script. */
export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const groups = secondWords(commands)
  return `# bash completion for wherry; to use it: source <(wherry completion bash)

_wherry_group() {
  case $1 in
${[...groups].map(([first, words]) => `    ${first}) echo ${quoted([...words.keys()].join(' '))} ;;`).join('\n')}
    *) return 1 ;;
  esac
}

_wherry_options() {
  case $1 in
${commands.map((c) => `    ${pattern(c)}) echo ${quoted(c.options.flatMap((o) => o.names).join(' '))} ;;`).join('\n')}
    *) return 1 ;;
  esac
}

_wherry_argument() {
  case $1 in
${commands.map((c) => `    ${pattern(c)}) echo ${quoted(kindText(c.argument))} ;;`).join('\n')}
    *) return 1 ;;
  esac
}

# What the value of an option is; fails for one that takes none.
_wherry_value() {
  case $1:$2 in
${commands.flatMap(valueLines).join('\n')}
    *) return 1 ;;
  esac
}
${machinery(commands)}`
}

function pattern({ names }: CompletedCommand): string {
  return names.map(quoted).join('|')
}

function kindText(value: ValueKind): string {
  return value.kind === 'words' ? `words ${value.words.join(' ')}` : value.kind
}

function valueLines({ names, options }: CompletedCommand): string[] {
  return options.flatMap((option) => {
    const taken = option.value ?? (option.attached.length > 0 ? attached(option.attached) : undefined)
    if (taken === undefined) return []
    // Behind `=` only; the name is written with it.
    const end = option.value === undefined ? '=' : ''
    const keys = names.flatMap((name) => option.names.map((flag) => quoted(`${name}:${flag}${end}`)))
    return [`    ${keys.join('|')}) echo ${quoted(kindText(taken))} ;;`]
  })
}

function attached(words: readonly string[]): ValueKind {
  return { kind: 'words', words }
}

/** The part that knows no command: it cuts the line as wherry does, and offers what fits. */
function machinery(commands: readonly CompletedCommand[]): string {
  return `
_wherry_offer() {
  local current=$1 kind=\${2%% *} words=\${2#* }
  case $kind in
    words) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    file) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current")) ;;
    folder) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$current")) ;;
    image) COMPREPLY=($(compgen -W "$(wherry images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | grep -v '<none>')" -- "$current")) ;;
  esac
}

_wherry() {
  local line=\${COMP_LINE:0:COMP_POINT} words current before='' first='' command='' i
  COMPREPLY=()
  # Not COMP_WORDS: bash cuts names of images at their colons, and options at =.
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  current=\${words[\${#words[@]} - 1]}
  for ((i = 1; i < \${#words[@]} - 1; i++)); do
    case \${words[i]} in
      --root|--cache-dir) [[ -z $first ]] && ((i++)) ;;
      -*) ;;
      *)
        if [[ -z $first ]]; then
          first=\${words[i]} command=$first
        elif [[ $command == "$first" ]] && _wherry_options "$first \${words[i]}" >/dev/null; then
          command="$first \${words[i]}"
        fi
        ;;
    esac
    before=\${words[i]}
  done
  local kind
  if [[ -z $first && $before != --root && $before != --cache-dir ]]; then
    _wherry_offer "$current" ${quoted(`words ${[...firstWords(commands).keys(), 'help'].join(' ')}`)}
  elif [[ $current == --*=* ]] && kind=$(_wherry_value "$command" "\${current%%=*}=" || _wherry_value "$command" "\${current%%=*}"); then
    local flag=\${current%%=*}
    _wherry_offer "\${current#*=}" "$kind"
    # Readline replaces what stands behind the last = only, if it cuts there.
    [[ $COMP_WORDBREAKS == *=* ]] || COMPREPLY=("\${COMPREPLY[@]/#/$flag=}")
  elif [[ $before == -* ]] && kind=$(_wherry_value "$command" "$before"); then
    _wherry_offer "$current" "$kind"
  elif [[ $current == -* ]]; then
    _wherry_offer "$current" "words $(_wherry_options "$command")"
  elif [[ $command == "$first" && $before == "$first" ]] && kind=$(_wherry_group "$first"); then
    _wherry_offer "$current" "words $kind"
    if ((\${#COMPREPLY[@]} == 0)) && kind=$(_wherry_argument "$command"); then _wherry_offer "$current" "$kind"; fi
  elif kind=$(_wherry_argument "$command"); then
    _wherry_offer "$current" "$kind"
  fi
  # A name is replaced from its last colon on.
  if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
    local head=\${current%"\${current##*:}"}
    COMPREPLY=("\${COMPREPLY[@]#"$head"}")
  fi
}

complete -F _wherry wherry
`
}
