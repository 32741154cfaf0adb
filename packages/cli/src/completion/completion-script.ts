import type { Command } from 'commander'

/** What can follow after some words of a command line. */
interface CompletionStep {
  /** The words so far, such as `keys add`; empty at the start. */
  readonly path: string
  readonly words: ReadonlyArray<{ readonly word: string; readonly meaning: string }>
  /** Options whose next word is a value and not a command. */
  readonly valued: readonly string[]
}

/** The script for one shell, made from the command tree, so that it cannot lag behind it. */
export function completionScript(shell: 'bash' | 'zsh' | 'fish', program: Command): string {
  const steps = collectSteps(program, '')
  switch (shell) {
    case 'bash':
      return bashScript(steps)
    case 'zsh':
      return zshScript(steps)
    case 'fish':
      return fishScript(steps)
  }
}

function collectSteps(command: Command, path: string): CompletionStep[] {
  const help = command.createHelp()
  help.showGlobalOptions = true
  const options = [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)]
  const subcommands = help.visibleCommands(command)
  const words = [
    ...subcommands.map((sub) => ({ word: sub.name(), meaning: sub.description() })),
    ...command.registeredArguments.flatMap((argument) =>
      (argument.argChoices ?? []).map((word) => ({ word, meaning: argument.description })),
    ),
    ...options.flatMap((option) =>
      option.long === undefined || option.long === null
        ? []
        : [{ word: option.long, meaning: option.description }],
    ),
  ]
  const valued = options.flatMap((option) => (option.required && option.long ? [option.long] : []))
  const own = { path, words: unique(words), valued: [...new Set(valued)] }
  return [
    own,
    ...subcommands.filter(isReal).flatMap((sub) => collectSteps(sub, `${path} ${sub.name()}`.trim())),
  ]
}

/** `help` is commander's own and takes command names, not options. */
function isReal(command: Command): boolean {
  return command.name() !== 'help'
}

function unique(words: CompletionStep['words']): CompletionStep['words'] {
  return [...new Map(words.map((entry) => [entry.word, entry])).values()]
}

/** The walk over the words typed so far, in the language that bash and zsh share. */
function pathCases(steps: readonly CompletionStep[]): string {
  return steps
    .filter((step) => step.path !== '')
    .map((step) => `      '${step.path}') path='${step.path}' ;;`)
    .join('\n')
}

function valuedCases(steps: readonly CompletionStep[]): string {
  return [...new Set(steps.flatMap((step) => step.valued))].join('|')
}

function bashScript(steps: readonly CompletionStep[]): string {
  const replies = steps
    .map((step) => `    '${step.path}') replies='${step.words.map((entry) => entry.word).join(' ')}' ;;`)
    .join('\n')
  return `# bash completion of keyhaven
_keyhaven() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' skip='' word replies='' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    if [[ -n $skip ]]; then skip=''; continue; fi
    case "$word" in ${valuedCases(steps)}) skip=1; continue ;; esac
    case "\${path:+$path }$word" in
${pathCases(steps)}
    esac
  done
  # The value of an option: a file name is the best guess.
  if [[ -n $skip ]]; then COMPREPLY=($(compgen -f -- "$current")); return; fi
  case "$path" in
${replies}
  esac
  COMPREPLY=($(compgen -W "$replies" -- "$current"))
  if [[ \${#COMPREPLY[@]} -eq 0 && $current != -* ]]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _keyhaven keyhaven
`
}

function zshScript(steps: readonly CompletionStep[]): string {
  const replies = steps
    .map((step) => {
      const words = step.words.map((entry) => `'${zshWord(entry.word)}:${quoted(entry.meaning)}'`).join(' ')
      return `    '${step.path}') replies=(${words}) ;;`
    })
    .join('\n')
  return `#compdef keyhaven
# zsh completion of keyhaven
_keyhaven() {
  local path_so_far='' skip='' word
  local -a replies
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $skip ]]; then skip=''; continue; fi
    case "$word" in ${valuedCases(steps)}) skip=1; continue ;; esac
    case "\${path_so_far:+$path_so_far }$word" in
${pathCases(steps).replaceAll(') path=', ') path_so_far=')}
    esac
  done
  if [[ -n $skip ]]; then _files; return; fi
  case "$path_so_far" in
${replies}
  esac
  _describe 'keyhaven' replies || _files
}
if [[ \${zsh_eval_context[-1]} == loadautofunc ]]; then _keyhaven "$@"; else compdef _keyhaven keyhaven; fi
`
}

function fishScript(steps: readonly CompletionStep[]): string {
  const paths = steps.flatMap((step) => (step.path === '' ? [] : [`'${step.path}'`])).join(' ')
  const lines = steps.flatMap((step) =>
    step.words.map(({ word, meaning }) => {
      const value = step.valued.includes(word) ? ' -r' : ''
      const what = word.startsWith('--') ? `-l ${word.slice(2)}${value}` : `-f -a ${word}`
      return `complete -c keyhaven -n '__keyhaven_at "${step.path}"' ${what} -d '${quoted(meaning)}'`
    }),
  )
  return `# fish completion of keyhaven
function __keyhaven_at
  set -l path ''
  set -l skip ''
  for word in (commandline -opc)[2..-1]
    if test -n "$skip"
      set skip ''
      continue
    end
    if contains -- $word ${valuedCases(steps).replaceAll('|', ' ')}
      set skip 1
      continue
    end
    set -l longer (string trim -- "$path $word")
    if contains -- "$longer" ${paths}
      set path $longer
    end
  end
  test "$path" = "$argv[1]"
end
complete -c keyhaven -n '__keyhaven_at ""' -f
${lines.join('\n')}
`
}

function zshWord(word: string): string {
  return word.replaceAll(':', '\\:')
}

/** For single quotes in all three shells. */
function quoted(text: string): string {
  return text.replaceAll("'", '’').replaceAll('\n', ' ')
}
