/** `wherry completion`: the script with which a shell completes command lines of wherry. */
import { WherryError } from '../../core/errors.ts'
import { type Command, defineCommand } from '../command.ts'
import type { CommandEntry } from '../commands.ts'
import { bashCompletion } from '../completion/bash.ts'
import { fishCompletion } from '../completion/fish.ts'
import { type CompletedCommand, completionModel } from '../completion/model.ts'
import { zshCompletion } from '../completion/zsh.ts'

const shells: Readonly<Record<string, (model: readonly CompletedCommand[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
}

/** The command; the list that it is in is what it completes. */
export function completionCommand(commands: readonly CommandEntry[]): Command {
  return defineCommand({
    usage: 'bash|zsh|fish',
    arguments: [1, 1],
    options: {},
    examples: [
      ['source <(wherry completion bash)', 'For this shell; a line for ~/.bashrc'],
      ['wherry completion zsh > ~/.zfunc/_wherry', 'In a folder of fpath'],
      ['wherry completion fish > ~/.config/fish/completions/wherry.fish', 'For every fish'],
    ],
    run: async ({ args }, io) => {
      const [shell = ''] = args
      const script = shells[shell]
      if (script === undefined) {
        throw new WherryError('usage', `there is no completion for "${shell}"`, {
          hint: `There are ${Object.keys(shells).join(', ')}.`,
        })
      }
      io.stdout.write(script(await completionModel(commands)))
      return 0
    },
  })
}
