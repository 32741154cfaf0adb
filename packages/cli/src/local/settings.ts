import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { usageError } from '../command-error.ts'
import type { Context } from '../context.ts'

/** A setting of the server: its variable, and its option where it has one. */
export interface Setting {
  readonly variable: string
  /** As commander writes it; undefined for secrets, which never go on the command line. */
  readonly flags?: string
  readonly description: string
  readonly default?: string
}

/** Where the data lies: for every command that opens it. */
export const DATA_SETTINGS: readonly Setting[] = [
  {
    variable: 'KEYHAVEN_DATA_DIR',
    flags: '--data <dir>',
    description: 'data folder',
    default: '.keyhaven',
  },
  {
    variable: 'KEYHAVEN_DATABASE_URL',
    flags: '--database <url>',
    description: 'sqlite:FILE or postgres://…; a password only in the variable',
    default: 'a file in the data folder',
  },
  {
    variable: 'KEYHAVEN_MASTER_KEY_FILE',
    flags: '--master-key-file <file>',
    description: 'key that all private keys are wrapped with; the rollback anchor lies beside it',
    default: 'master.key in the data folder',
  },
  {
    variable: 'KEYHAVEN_MASTER_PASSPHRASE_FILE',
    flags: '--master-passphrase-file <file>',
    description: 'derive the master key from the passphrase in this file (Argon2id)',
  },
]

/** Adds the options of the settings to a command. */
export function withSettings(command: Command, settings: readonly Setting[]): Command {
  for (const setting of settings) {
    if (setting.flags === undefined) continue
    const standard = setting.default === undefined ? '' : `; default ${setting.default}`
    command.addOption(new Option(setting.flags, `${setting.description} (${setting.variable}${standard})`))
  }
  return command
}

/** The help text of the settings that are variables only. */
export function variablesHelp(settings: readonly Setting[]): string {
  const shown = settings.filter((setting) => setting.flags === undefined)
  const width = Math.max(...shown.map((setting) => setting.variable.length))
  const lines = shown.map((setting) => {
    const standard = setting.default === undefined ? '' : ` (default ${setting.default})`
    return `  ${setting.variable.padEnd(width)}  ${setting.description}${standard}`
  })
  return `\nOnly as environment variables:\n${lines.join('\n')}`
}

/**
 * The environment with the options laid over it: an option wins over its variable.
 *
 * @throws CommandError when a password was put on the command line, where every user of the machine can read it.
 */
export function settingsEnvironment(
  context: Context,
  settings: readonly Setting[],
  options: Readonly<Record<string, unknown>>,
): Record<string, string | undefined> {
  const environment = { ...context.env }
  for (const { variable, flags } of settings) {
    if (flags === undefined) continue
    const value = options[new Option(flags).attributeName()]
    if (value === undefined) continue
    const text = Array.isArray(value) ? value.join(',') : String(value)
    if (URL.canParse(text) && new URL(text).password !== '') {
      throw usageError(
        `${flags.split(' ')[0]}: a password on the command line can be read by every user of this machine`,
        `Set ${variable} instead.`,
      )
    }
    environment[variable] =
      flags.endsWith('<dir>') || flags.endsWith('<file>') ? resolve(context.cwd, text) : text
  }
  return environment
}
