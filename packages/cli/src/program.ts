import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { appsCommand } from './commands/apps.ts'
import { auditCommand } from './commands/audit.ts'
import { backupCommand } from './commands/backup.ts'
import { completionCommand } from './commands/completion.ts'
import { conversationsCommand } from './commands/conversations.ts'
import { directoryCommand } from './commands/directory.ts'
import { doctorCommand } from './commands/doctor.ts'
import { filesCommand } from './commands/files.ts'
import { gatewayCommand } from './commands/gateway.ts'
import { keysCommand } from './commands/keys.ts'
import { logCommand } from './commands/log.ts'
import { recoverCommand } from './commands/recover.ts'
import { restoreCommand } from './commands/restore.ts'
import { serveCommand } from './commands/serve.ts'
import { tokensCommand } from './commands/tokens.ts'
import { trustCommand } from './commands/trust.ts'
import { witnessCommand } from './commands/witness.ts'
import { EXIT_CODE_MEANINGS } from './exit-code.ts'
import type { Frame } from './frame.ts'
import { authCommand } from './identity/auth-commands.ts'
import { identityCommand } from './identity/identity-commands.ts'
import { packetCommand } from './identity/packet-commands.ts'
import { vaultCommand } from './identity/vault-commands.ts'
import { paint } from './terminal/output.ts'

/** Help is wrapped at this width when the terminal does not say otherwise. */
const HELP_WIDTH_COLUMNS = 100

/** Builds the whole command tree. Commands load what they need when they run, so that this stays fast. */
export function createProgram(frame: Frame): Command {
  const { context } = frame
  const program = new Command('keyhaven')
  program
    .description('End-to-end encryption at the application layer: the key server and its tools.')
    .version(readVersion(), '-V, --version', 'show the version')
    .option('--json', 'write results (and errors) as JSON')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .showSuggestionAfterError()
    .configureHelp({
      showGlobalOptions: true,
      styleTitle: (text) => paint(context, context.stdout, 'bold', text),
    })
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => {
        // Help that nobody asked for is no use to a program.
        if (!frame.json) context.stderr.write(text)
      },
      getOutHelpWidth: () => context.stdout.columns ?? HELP_WIDTH_COLUMNS,
      getErrHelpWidth: () => context.stderr.columns ?? HELP_WIDTH_COLUMNS,
      getOutHasColors: () => context.stdout.isTTY === true && !context.env.NO_COLOR,
      getErrHasColors: () => context.stderr.isTTY === true && !context.env.NO_COLOR,
      outputError: () => {}, // reportFailure writes it, with what to do
    })
    .exitOverride()
    .addHelpText('after', topics)

  program.commandsGroup('Run:')
  serveCommand(frame, program)
  gatewayCommand(frame, program)
  doctorCommand(frame, program)
  program.commandsGroup('Manage a running server:')
  appsCommand(frame, program)
  keysCommand(frame, program)
  trustCommand(frame, program)
  directoryCommand(frame, program)
  conversationsCommand(frame, program)
  auditCommand(frame, program)
  tokensCommand(frame, program)
  program.commandsGroup('Check what a server promises:')
  logCommand(frame, program)
  witnessCommand(frame, program)
  program.commandsGroup('Care for the data:')
  backupCommand(frame, program)
  restoreCommand(frame, program)
  recoverCommand(frame, program)
  filesCommand(frame, program)
  program.commandsGroup('Protect identity data:')
  packetCommand(frame, program)
  vaultCommand(frame, program)
  authCommand(frame, program)
  identityCommand(frame, program)
  program.commandsGroup('Shell:')
  completionCommand(frame, program)
  return program
}

function topics(): string {
  const codes = EXIT_CODE_MEANINGS.map(([code, meaning]) => `  ${String(code).padEnd(3)}  ${meaning}`).join(
    '\n',
  )
  return `
Examples:
  # Start a server with a demo application
  $ keyhaven serve
  # Rotate a key: add one, watch the apps move, revoke the old one
  $ keyhaven keys add demo
  $ keyhaven keys usage demo
  $ keyhaven keys revoke demo 1 --reason rotation

Environment:
  KEYHAVEN_ADMIN_TOKEN  API token of the admin API (else DATA_DIR/admin-token); never an argument
  KEYHAVEN_DATA_DIR     data folder, default .keyhaven
  KEYHAVEN_SERVER       default of --server
  KEYHAVEN_TRUST        default of --trust
  NO_COLOR              no colour

Exit codes:
${codes}`
}

function readVersion(): string {
  const file = new URL('../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
