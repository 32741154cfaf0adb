import { Argument, type Command } from 'commander'
import { action, describe, type Frame } from '../frame.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

/** `keyhaven completion`: a script that lets the shell complete commands and options. */
export function completionCommand(frame: Frame, program: Command): void {
  describe(
    program.command('completion'),
    'print a script with which the shell completes commands and options',
    [
      ['source <(keyhaven completion bash)', 'In ~/.bashrc'],
      ['source <(keyhaven completion zsh)', 'In ~/.zshrc, after compinit'],
      ['keyhaven completion fish > ~/.config/fish/completions/keyhaven.fish', 'For fish'],
    ],
  )
    .addArgument(new Argument('<shell>', 'your shell').choices(SHELLS))
    .action(
      action(frame, async ({ output, args }) => {
        const { completionScript } = await import('../completion/completion-script.ts')
        const shell = args[0] as (typeof SHELLS)[number]
        const script = completionScript(shell, program)
        output.result({ shell, script }, () => script)
        return undefined
      }),
    )
}
